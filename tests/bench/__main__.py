"""`python -m tests.bench NAME…`: run benchmarks, print them, keep them. Exits 1 if a target is missed."""

import sys

from tests.bench import harness


def main() -> int:
    """Run what the command line names."""
    wanted = sys.argv[1:]
    known = harness.names()
    if not wanted or not {*wanted} <= {*known}:
        print("which benchmark?", *known)
        return 2
    missed = False
    for name in wanted:
        result = harness.run(name)
        print(f"\n{name}\n{harness.table(result)}\nkept in {harness.keep(name, result).relative_to(harness.ROOT)}")
        missed |= not all(ratio.is_met for ratio in result.ratios)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
