"""What a comparison found, as lines for the command line."""

from collections.abc import Iterator, Mapping

from services.reconcile import Report


def table(report: Report, groups: Mapping[str, str]) -> Iterator[str]:
    """`groups`: ids by the settings' names. Ids and references only: whoever may see more looks in the channel."""
    names = {group: name for name, group in groups.items()}
    head = ("What", "Group", "Account or object", "Request", "Done")
    rows = [
        (
            one.sort.value.replace("_", " "),
            names.get(one.group, one.group) or "-",
            f"{one.number} x {one.entra_id}" if one.number else one.entra_id or "-",
            one.reference or "-",
            found.done,
        )
        for found in report.drifts
        for one in [found.drift]
    ]
    if not rows:
        yield "Entra and the book agree." if not report.troubles else "Nothing was found where it could be read."
    else:
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        for row in (head, *rows):
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for sentence in report.troubles:
        yield f"Trouble: {sentence}."
