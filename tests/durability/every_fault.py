#!/usr/bin/env python3
"""Lets the N-th write, flush, renaming, removal, opening and folder fail for every N of a unit of work, once and from there on.

  tests/durability/every_fault.py build/release/index_test build/release/libfaults.so

The units (tests/index/every_fault_test.cc) are a change, a start and the first start, of the store and index of the program, without the
daemon around them: a failure takes milliseconds, so that none is left out. write_faults.py tries some on the daemon. CODELORE_FAULT_ONLY="write ENOSPC" tries one kind alone. Exits with what the test exits with.
"""
import os, pathlib, shutil, subprocess, sys, tempfile


def main():
    test, shim = (os.path.abspath(path) for path in sys.argv[1:3])
    root = pathlib.Path(tempfile.mkdtemp(prefix="codelore-every-fault-"))
    (root / "control").write_bytes(b"\0" * 32)
    try:
        sys.exit(subprocess.run([test, "--gtest_filter=EveryFaultTest.*"], env={**os.environ, "LD_PRELOAD": shim, "CODELORE_FAULT_ROOT": str(root / "folder"),
                                                                                "CODELORE_FAULT_CONTROL": str(root / "control")}).returncode)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
