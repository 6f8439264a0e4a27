#!/usr/bin/env python3
"""The attacks that are about a process, a disk or a repository, tried on the real binary.

  tests/attacks/attacks.py build/release/codelore [--only attack131] [--build build/release] [--tries 12] [--soak-minutes 0.4]

Each case is a function, named after its number and what must hold; README.md lists these and the cases that are tested elsewhere. One
that cannot be made here (no right to mount) says so and is skipped. Prints a line per case; exits 1 if one fails.
"""
import argparse, json, os, pathlib, shutil, subprocess, sys, tempfile, time, traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "durability")]
import disk, hostile
from daemon import Gone, Refused
from folder_faults import Skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--build", default="", help="where libfaults.so, libattacks.so and permission_load are (default: beside the binary)")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=12, help="values of N where not all can be tried")
    parser.add_argument("--soak-minutes", type=float, default=.4)
    given = parser.parse_args()
    binary = os.path.abspath(given.binary)
    given.build = pathlib.Path(given.build or os.path.dirname(binary)).resolve()
    cases = sorted((name, case) for module in (disk, hostile) for name, case in vars(module).items() if name.startswith("attack"))
    failed = 0
    for name, case in cases:
        if given.only not in name:
            continue
        root, begun = pathlib.Path(tempfile.mkdtemp(prefix="codelore-attack-")), time.monotonic()
        try:
            told = json.dumps(case(binary, root, given))
            print(f"{name}: {told} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Skipped as reason:
            print(f"{name}: skipped, {reason}", flush=True)
        except (AssertionError, Gone, Refused, subprocess.SubprocessError):
            failed += 1
            print(f"{name}: FAILED", flush=True)
            traceback.print_exc()
        finally:
            shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
