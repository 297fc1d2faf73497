"""The program itself: small, and in need of next to nothing."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import WEIR, Case

MEGABYTE = 1_000_000


class Binary(Case):
    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "what a sanitizer adds is not ours")
    @unittest.skipUnless(shutil.which("strip"), "there is no strip")
    def test_stripped_it_takes_less_than_15_megabytes(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = pathlib.Path(folder) / "weir"
            subprocess.run(["strip", "-o", stripped, WEIR], check=True)
            self.assertLess(stripped.stat().st_size, 15 * MEGABYTE)

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "what a sanitizer adds is not ours")
    def test_it_needs_the_c_library_alone(self):
        listed = subprocess.run(["ldd", WEIR], check=True, capture_output=True, text=True).stdout
        needed = {line.split()[0] for line in listed.splitlines()}
        others = {name for name in needed if not name.startswith(("linux-vdso", "/lib", "libc.so", "libm.so", "libgcc_s"))}
        self.assertEqual(others, set())


if __name__ == "__main__":
    unittest.main()
