"""The programs of examples/ as their head comments start them, against the simulator."""
import os
import subprocess
import unittest

from harness import PATIENCE, ROOT, WEIR, Case, Sim, environment


def run(name, *args, stdin=""):
    program = os.path.join(os.path.dirname(WEIR), f"example_{name}")
    return subprocess.run([program, *args], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env=environment())


class Examples(Case):
    def sim(self, script):
        return Sim("--instant", "--scenario", self.write("script.yaml", script))

    def good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_stream_prints_the_answer_or_leaves_it(self):
        with self.sim("[{reply: {text: one two three four five}}]") as sim:
            self.assertEqual(self.good(run("stream", sim.url, "hi")), "one two three four five\n(6 tokens)\n")
            self.assertEqual(self.good(run("stream", sim.url, "hi", "4")).splitlines()[-1], "(that is enough)")

    def test_extract_fills_a_struct(self):
        with self.sim("""[{reply: {text: '{"name": "Ada", "age": 36, "skills": ["mathematics"]}'}}]""") as sim:
            self.assertEqual(self.good(run("extract", sim.url, "Ada, 36")), "Ada is 36 and can do 1 things\n")

    def test_agent_calls_its_tools(self):
        with self.sim("[{match: {turn: 3}, reply: {text: In Rome.}},"
                      " {match: {turn: 2}, reply: {tool_calls: [{name: weather, arguments: {city: Rome}}]}},"
                      " {reply: {tool_calls: [{name: weather, arguments: {city: Atlantis}}]}}]") as sim:
            said = self.good(run("agent", sim.url, "Where is it warm?")).splitlines()
        self.assertIn("there is no station; try Rome or Oslo", said[0])
        self.assertIn('-> {"sky":"clear","degrees":24.5}', said[1])
        self.assertEqual(said[2:], ["In Rome.", "(3 turns, 2 calls)"])

    def test_chat_remembers(self):
        with self.sim("[{match: {turn: 2, contains: first question, system: one sentence}, reply: {text: second}},"
                      " {match: {turn: 1}, reply: {text: first}}]") as sim:
            said = self.good(run("chat", sim.url, stdin="first question\nand now?\n"))
        self.assertEqual(said, "first\nsecond\n(4 messages)\n")

    def test_a_ticket_goes_to_the_adapter_of_its_class(self):
        script = """
- {match: {last_user: What is this ticket about, contains: charged}, reply: {text: billing}}
- {match: {last_user: What is this ticket about}, reply: {text: other}}
- {match: {model: billing-lora, system: Solve}, reply: {text: We pay it back.}}
- {match: {system: Solve}, reply: {text: Turn it off and on.}}
"""
        shell = [str(ROOT / "examples/solve_ticket.sh")]
        path = self.write("script.yaml", script)
        with Sim("--instant", "--scenario", path, "--adapter", "billing-lora", "--adapter", "network-lora") as sim:
            for ticket, said in (("I was charged twice.", "[billing, billing-lora]\nWe pay it back.\n"),
                                 ("It is slow.", "[other, base model]\nTurn it off and on.\n")):
                self.assertEqual(self.good(run("solve_ticket", sim.url, ticket)), said)
                done = subprocess.run([*shell, sim.url, ticket], capture_output=True, text=True, timeout=PATIENCE,
                                      env=environment(WEIR_BIN=WEIR))
                self.assertEqual(self.good(done), said)

    def test_what_is_wrong_is_said_on_stderr(self):
        for name in ("ask", "stream", "extract", "agent", "solve_ticket"):
            self.assertEqual(run(name).returncode, 64)
            wrong = run(name, "nowhere", "hi")
            self.assertIn(wrong.returncode, (2, 3))
            self.assertIn("there is no engine 'nowhere'", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
