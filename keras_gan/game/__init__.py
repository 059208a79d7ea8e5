"""The game: two players, a loss, terms and the order of updates."""
