"""Pictures: grids, plots and their files."""
