"""What was seen in the pictures of the judged photos, counted a category.

Run: python -m benchmarks.wardrobe.verdicts [OUT]

`data/studio_verdicts.csv` holds what a person saw: `accepted` (a buyer would take it), `flawed` (returned, and a
buyer would complain) or `refused` (no picture, with a reason), and the cause. With OUT, the folder of a run of
`benchmarks.wardrobe.pictures --share judged`, it is checked that the same photos were refused.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

from fashquick_common.garment import Category

SEEN = Path(__file__).parents[1] / "data" / "studio_verdicts.csv"
VERDICTS = ("accepted", "flawed", "refused")


def main() -> int:
    """Print the table, and the causes of what is not accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?")
    arguments = parser.parse_args()
    with SEEN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = {category.value: Counter[str]() for category in Category}
    for row in rows:
        counts[row["category"]][row["verdict"]] += 1
    print(f"| {'category':14} | photos | accepted | flawed | refused |")
    print("|---|---|---|---|---|")
    for category, count in counts.items():
        print(f"| {category:14} | {count.total():6} | " + " | ".join(f"{count[name]:7}" for name in VERDICTS) + " |")
    total = sum(counts.values(), Counter[str]())
    shares = " | ".join(f"{total[name]} ({total[name] / max(total.total(), 1):.0%})" for name in VERDICTS)
    print(f"| all            | {total.total():6} | {shares} |")
    for row in rows:
        if row["verdict"] != "accepted":
            print(f"{row['category']} {row['photo']} {row['verdict']}: {row['cause']}")
    return 0 if arguments.out is None else _compared(rows, arguments.out)


def _compared(rows: list[dict[str, str]], out: Path) -> int:
    """Whether the run refused what was seen to be refused; 1 if not."""
    differing = 0
    for row in rows:
        with (out / f"{row['category']}.csv").open(encoding="utf-8", newline="") as file:
            made = {name: refusal == "" for name, _, refusal, *_ in csv.reader(file)}
        if made.get(row["photo"]) != (row["verdict"] != "refused"):
            print(f"{row['category']} {row['photo']} is {row['verdict']} in the table and not in this run: look again")
            differing += 1
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
