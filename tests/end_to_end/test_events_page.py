"""docs/events.md names every event that the program tells."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLD = re.compile(r'(?:Emit|OnEvent)\(\s*"([a-z_:.]+)"')


def told():
    """Names of events, with a file that tells each."""
    names = {}
    for path in sorted((ROOT / "weir").rglob("*.cc")):
        where = path.relative_to(ROOT).as_posix()
        if re.search(r"_(test|testing|fuzz|bench)\.cc$", where):
            continue
        for name in TOLD.findall(path.read_text()):
            names.setdefault(name, where)
    return names


class EventsPage(unittest.TestCase):
    def test_every_event_is_described(self):
        page = (ROOT / "docs" / "events.md").read_text()
        found = told()
        self.assertGreater(len(found), 25)
        missing = {name: where for name, where in found.items() if f"`{name}`" not in page}
        self.assertEqual(missing, {})


if __name__ == "__main__":
    unittest.main()
