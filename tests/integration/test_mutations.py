"""Mutants are what they say: other than what they are made of, and the same again from a seed."""

import os

import numpy as np
import pytest

from tests.integration import mutations

CONTENT = bytes(100) + bytes(range(256)) * 4


@pytest.mark.parametrize("kind", mutations.OF_BYTES)
def test_bytes(kind):
    made = [
        mutations.of_bytes(content, np.random.default_rng(number), kind)
        for content in (CONTENT, b"ab")
        for number in [*range(50), *range(50)]
    ]
    assert all(name == kind for _, name in made)
    assert not {CONTENT, b"ab"} & {mutant for mutant, _ in made}
    assert made[:50] == made[50:100] and made[100:150] == made[150:]
    assert len({mutant for mutant, _ in made[:50]}) > 25
    if kind in ("flip", "zero", "swap", "overwrite"):
        assert {len(mutant) for mutant, _ in made} == {len(CONTENT), 2}


@pytest.mark.parametrize("kind", mutations.OF_DIRECTORIES)
def test_directories(tmp_path, kind):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c"):
        (source / name).write_bytes(name.encode() + CONTENT)

    def listed(directory):
        paths = sorted(directory.rglob("*"))
        return [
            (
                str(path.relative_to(directory)),
                os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes(),
            )
            for path in paths
        ]

    before, made = listed(source), []
    for number in [*range(12), *range(12)]:
        said = mutations.of_directory(source, target, np.random.default_rng(number), kind)
        made.append((said, listed(target)))
    assert listed(source) == before
    assert all(after != before for _, after in made)
    assert made[:12] == made[12:]
    assert len({said for said, _ in made}) > 2
