"""`weir-check`, which feeds the byte machines with the cases of others: it answers every row."""
import base64
import json
import pathlib
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case

CHECK = str(pathlib.Path(WEIR).parent / "weir-check")
TOOLS = [{"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}]
CALL = {"name": "look", "arguments": {"at": "a river"}}


def ask(kind, rows):
    done = subprocess.run([CHECK, kind], input="".join(json.dumps(row) + "\n" for row in rows), text=True,
                          capture_output=True, timeout=PATIENCE)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


class CheckTool(Case):
    def test_calls_and_thoughts_are_found_whole_and_piece_by_piece(self):
        text = "<think>where?</think>I look.\n<tool_call>\n" + json.dumps(CALL) + "\n</tool_call>"
        for model in ("hermes", "Qwen/Qwen3-8B", "deepseek_r1"):
            for step in (0, 1, 5):
                with self.subTest(model=model, step=step):
                    done, (answer,) = ask("text", [{"text": text, "model": model, "tools": TOOLS, "step": step}])
                    self.assertEqual((done.returncode, answer["reasoning"]), (0, "where?"), done.stderr)
                    if model == "deepseek_r1":
                        continue
                    (call,) = answer["tool_calls"]
                    self.assertEqual((call["name"], json.loads(call["arguments"])), ("look", CALL["arguments"]))
                    self.assertEqual(answer["content"].strip(), "I look.")

    def test_marks_of_thoughts_may_be_given(self):
        done, (answer,) = ask("text", [{"text": "[a]deep[/a]said", "model": "", "start": "[a]", "end": "[/a]"}])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((answer["reasoning"], answer["content"]), ("deep", "said"))

    def test_events_are_split_at_any_step(self):
        body = base64.b64encode(b"event: x\ndata: 1\ndata: 2\n\n").decode()
        done, answers = ask("sse", [{"base64": body, "step": step} for step in (0, 1, 3)])
        self.assertEqual(done.returncode, 0, done.stderr)
        for answer in answers:
            self.assertEqual([(event["type"], event["data"]) for event in answer["events"]], [("x", "1\n2")])


if __name__ == "__main__":
    unittest.main()
