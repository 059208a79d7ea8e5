"""Mutants of files and directories: what torn writes, bad disks and strangers make of them.

Each is a function of a seeded `numpy.random.Generator`, so that a mutant that breaks something is
made again from its number:

    for number in range(100):
        random = np.random.default_rng(number)
        mutant, kind = mutations.of_bytes(content, random)
"""

import pathlib
import shutil


def flip(content, random):
    """Flip 1 to 8 bits."""
    for place in random.integers(len(content), size=random.integers(1, 9)):
        content[place] ^= 1 << random.integers(8)


def cut(content, random):
    """Cut off the end, from anywhere on."""
    del content[random.integers(len(content)) :]


def cut_out(content, random):
    """Leave out a range."""
    del content[_range(content, random)]


def zero(content, random):
    """Fill a range with zeros, as a disk does with a block that it never wrote."""
    place = _range(content, random)
    content[place] = bytes(place.stop - place.start)


def swap(content, random):
    """Swap two ranges of one size."""
    size = int(random.integers(1, max(2, min(513, len(content) // 2))))
    first = int(random.integers(0, max(1, len(content) - 2 * size + 1)))
    second = int(random.integers(first + size, max(first + size + 1, len(content) - size + 1)))
    one, other = content[first : first + size], content[second : second + size]
    content[first : first + len(other)], content[second : second + len(one)] = other, one


def append(content, random):
    """Append bytes of chance."""
    content += random.bytes(random.integers(1, 1025))


def overwrite(content, random):
    """Fill a range of at most 16 bytes, a number or two, with bytes of chance."""
    place = _range(content, random, most=16)
    content[place] = random.bytes(place.stop - place.start)


def _range(content, random, most=4096):
    size = int(random.integers(1, min(most, len(content)) + 1))
    start = int(random.integers(0, len(content) - size + 1))
    return slice(start, start + size)


OF_BYTES = {f.__name__: f for f in (flip, cut, cut_out, zero, swap, append, overwrite)}


def of_bytes(content, random, kind=None):
    """Return a mutant of a file's bytes, which is not equal to them.

    Args:
        content: bytes, at least two that differ.
        random: `numpy.random.Generator`.
        kind: which of `OF_BYTES`; one of them by chance.

    Returns:
        `(mutant, kind)`.
    """
    while True:  # To zero what is zero changes nothing.
        chosen = kind or str(random.choice(sorted(OF_BYTES)))
        mutant = bytearray(content)
        OF_BYTES[chosen](mutant, random)
        if mutant != content:
            return bytes(mutant), chosen


def changed(directory, random):
    """Change the bytes of a member."""
    path = _member(directory, random)
    content, kind = of_bytes(path.read_bytes(), random)
    path.write_bytes(content)
    return f"{path.name}: {kind}"


def removed(directory, random):
    """Remove a member."""
    path = _member(directory, random)
    path.unlink()
    return f"{path.name}: removed"


def emptied(directory, random):
    """Leave nothing in a member."""
    path = _member(directory, random)
    path.write_bytes(b"")
    return f"{path.name}: emptied"


def swapped(directory, random):
    """Swap the contents of two members, or rename the only one."""
    first = _member(directory, random)
    others = [path for path in _members(directory) if path != first]
    if not others:
        first.rename(first.with_name(f"{first.name}.renamed"))
        return f"{first.name}: renamed"
    second = others[random.integers(len(others))]
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    return f"{first.name}, {second.name}: swapped"


def linked(directory, random):
    """Replace a member by a link: to its own content elsewhere, to nothing, or to a device."""
    path = _member(directory, random)
    elsewhere = directory.with_name(f"{directory.name}.elsewhere")
    targets = elsewhere, pathlib.Path("nowhere"), pathlib.Path("/dev/zero")
    target = targets[random.integers(len(targets))]
    if target is elsewhere:
        path.rename(target)
    else:
        path.unlink()
    path.symlink_to(target)
    return f"{path.name}: linked to {target.name}"


def nested(directory, random):
    """Replace a member by a directory of its name."""
    path = _member(directory, random)
    path.unlink()
    path.mkdir()
    return f"{path.name}: a directory"


def added(directory, random):
    """Add a file, a directory or a link that does not belong there."""
    name = f"extra{random.integers(1000)}"
    kind = ("file", "directory", "link")[random.integers(3)]
    if kind == "file":
        (directory / name).write_bytes(random.bytes(random.integers(0, 100)))
    elif kind == "directory":
        (directory / name).mkdir()
    else:
        (directory / name).symlink_to("/")
    return f"{name}: an extra {kind}"


def _members(directory):
    paths = directory.rglob("*")
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _member(directory, random):
    paths = [path for path in _members(directory) if path.stat().st_size]
    return paths[random.integers(len(paths))]


OF_DIRECTORIES = {
    f.__name__: f for f in (changed, removed, emptied, swapped, linked, nested, added)
}


def of_directory(source, target, random, kind=None):
    """Copy a directory with one change.

    A link may lead to `<target>.elsewhere`, beside the copy.

    Args:
        source: `pathlib.Path` of a directory with files, in directories of their own or not.
        target: where the copy is to be; what is there is removed first.
        random: `numpy.random.Generator`.
        kind: which of `OF_DIRECTORIES`; by chance, and then every second one is `changed`.

    Returns:
        The kind, with the member's name.
    """
    if target.exists():
        shutil.rmtree(target)
    target.with_name(f"{target.name}.elsewhere").unlink(missing_ok=True)
    shutil.copytree(source, target)
    if kind is None and random.random() < 0.5:
        kind = "changed"
    return OF_DIRECTORIES[kind or str(random.choice(sorted(OF_DIRECTORIES)))](target, random)
