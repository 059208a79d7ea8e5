"""The model card of an export in Markdown."""


def text(card):
    """Return a card as Markdown.

    Args:
        card: what `card.facts` returned.
    """
    generator, export = card["generator"], card["export"]
    lines = [
        f"# {card['name']}, version {card['version']}",
        "",
        f"A generative model, exported on {card['date']}. What it makes is synthetic.",
        "",
        *_section("Intended use", card["intended_use"]),
        *_section("Known limits", card["known_limits"]),
        *_section("Training data", card["data"]),
        *_section("Training", *_table(card["training"])),
        *_section("Quality", *_table(_flat(card["metrics"]["values"]) or {"figures": "none"})),
        *_section("How it was measured", card["metrics"]["protocol"]),
        *_section("Generator", *_table(generator)),
        *_section(
            "Export",
            *_table({key: value for key, value in export.items() if key != "signatures"}),
        ),
        *_section("Signatures", *_signature_table(export["signatures"])),
        *_section("Made with", *_table(card["versions"])),
        *_section("License", card["license"]),
        "The same for programs: [model_card.json](model_card.json).",
        "",
    ]
    return "\n".join(lines)


def _section(title, *lines):
    return [f"## {title}", "", *lines, ""]


def _table(values):
    rows = [f"| {name.replace('_', ' ')} | {_cell(value)} |" for name, value in values.items()]
    return ["| | |", "|---|---|", *rows]


def _cell(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if value > 9999 else str(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return ", ".join(map(_cell, value)) if isinstance(value, list) else str(value)


def _flat(values, prefix=""):
    flat = {}
    for name, value in values.items():
        name = f"{prefix}{name}"
        flat |= _flat(value, f"{name}: ") if isinstance(value, dict) else {name: value}
    return flat


def _signature_table(entries):
    lines = ["| signature | | name | type | shape | | limits |", "|---|---|---|---|---|---|---|"]
    for signature, sides in entries.items():
        for side, tensors in sides.items():
            for name, tensor in tensors.items():
                shape = ", ".join("any" if s is None else str(s) for s in tensor["shape"])
                lines.append(
                    f"| `{signature}` | {side[:-1]} | `{name}` | {tensor['dtype']} | ({shape}) "
                    f"| {tensor['meaning']} | {_limits(tensor.get('limits', {}))} |"
                )
    return lines


def _limits(limits):
    sizes = [
        f"{_cell(limits[size][0])} to {_cell(limits[size][1])} {size}"
        for size in ("rows", "pixels", "bytes")
        if size in limits
    ]
    if "sides" in limits:
        height, width = ("any" if side is None else side for side in limits["sides"])
        sizes.append(f"height {height}, width {width}")
    return "; ".join([*sizes, *([limits["values"]] if "values" in limits else [])])
