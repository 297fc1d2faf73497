"""The command line's own rules: what is no command, flag or value is told in a sentence with a way out."""
import itertools
import json
import os
import subprocess
import unittest

from harness import PATIENCE, WEIR, Case, Sim, environment, weir

LISTS = {"call": ["-e", "-m", "--adapter", "--events", "--extra", "--stop", "--system", "--schema", "--regex", "--choice",
                  "--grammar", "--tools", "--tool-choice", "--media"],
         "complete": ["-e", "-m", "--suffix"],
         "sim": ["--listen", "--tls", "--dialect", "--model", "--adapter", "--scenario", "--api-key"]}


class Words(Case):
    def refused(self, code, args, *sentences):
        done = weir(*args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("weir: "), done.stderr)
        for sentence in sentences:
            self.assertIn(sentence, done.stderr)
        return done

    def test_the_nearest_command_and_flag_are_named(self):
        self.refused(64, ["cal", "hi"], "'cal'; did you mean 'call'?")
        self.refused(64, ["hello"], "no command 'hello'", "call, chat, complete, embed", "weir --help")
        self.refused(64, ["call", "--temprature", "1", "hi"], "did you mean '--temperature'?", "weir call --help")
        self.refused(64, ["call", "--temp=1", "hi"], "did you mean '--temperature'?")
        self.refused(64, ["sim", "--thread", "2"], "did you mean '--threads'?")
        self.refused(64, ["--confg", "x", "call", "hi"], "did you mean '--config'?")
        self.refused(64, ["call", "-o", "jsn", "hi"], "'jsn' is none of text, json; did you mean 'json'?")
        self.refused(64, ["call", "-a list"], "behind a lone --")
        self.refused(64, ["call", "two", "words"], "'words'", "quotes")
        self.refused(64, [], "a command is missing")
        self.refused(64, ["jobs"], "a command is missing (the commands: submit, ", "; see weir jobs --help")
        self.refused(64, ["jobs", "sumit"], "there is no command 'sumit'; did you mean 'submit'?")
        self.refused(64, ["jobs", "submit", "f", "--inptu", "x"], "did you mean '--input'?",
                     "see weir jobs submit --help")

    def test_flags_that_contradict_or_lack_a_value(self):
        self.refused(64, ["call", "--stream", "--no-stream", "hi"], "--stream", "--no-stream")
        self.refused(64, ["call", "hi", "--seed"], "--seed wants a value")
        self.refused(64, ["call", "--seed", "1", "--seed", "2", "hi"], "--seed is given more than once")
        self.refused(64, ["call", "-o", "json", "--plain", "hi"], "--plain is about text")
        self.refused(64, ["call", "-o", "json", "--reasoning", "only", "hi"], "--reasoning only is about text")
        self.refused(64, ["call", "--dry-run", "--events", "x", "hi"], "--dry-run", "--events")

    def test_a_flag_is_no_value_of_the_flag_in_front_of_it(self):
        for args in (["--model", "--json", "hi"], ["-m", "--json", "hi"], ["--model", "--temperature", "1", "hi"],
                     ["-o", "--json", "hi"], ["--seed", "--json", "hi"], ["--config", "--model=x", "hi"],
                     ["--extra", "a=1", "--stop", "--extra=b=2", "hi"]):
            done = self.refused(64, ["call", *args], " wants a value, and --", " when it is the value); see weir call --help")
            self.assertIn("is a flag of its own (--", done.stderr)
        self.refused(64, ["call", "--model", "--json", "hi"],
                     "usage: --model wants a value, and --json behind it is a flag of its own (--model=--json when")
        with Sim("--instant") as sim:
            for args in (["--system=--json", "hi"], ["--system", "--no-such-flag", "hi"], ["--stop", "--", "hi"],
                         ["--json", "--", "--json"], ["--system", "--json is it", "hi"]):
                done = weir("call", "-e", sim.url, "--dry-run", *args)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_pattern_that_the_shell_took_apart_belongs_in_quotes(self):
        for command in (["run"], ["jobs", "submit"]):
            self.refused(64, [*command, "flow.yaml", "--files", "a.txt", "b.txt", "c.txt"],
                         "'b.txt' is one argument too many; put the pattern of --files in quotes")

    def test_what_stands_at_stdin_and_is_not_read_is_told(self):
        note = "nothing was read of what stands at stdin, as there is a prompt; --stdin puts it in front"
        text, flags = self.write("text.txt", "a text\nand more\n"), ["call", "-e", "sim", "--max-tokens", "4", "--seed", "1"]

        def said(*args, stdin):
            done = subprocess.run([WEIR, *flags, *args], stdin=stdin, capture_output=True, text=True, env=environment(),
                                  cwd=self.folder, timeout=PATIENCE)
            return done.stderr.count(note)

        def piped(*args, text=b"a text\n"):
            reads, writes = os.pipe()
            with open(reads, "rb") as end, open(writes, "wb") as begin:
                begin.write(text)
                begin.flush()
                return said(*args, stdin=end)  # nobody closes the pipe: what waits for its end hangs

        self.assertEqual(piped("hi"), 1)
        self.assertEqual(piped("hi", text=b""), 0)
        for args, times in ((["hi"], 1), (["-o", "json", "hi"], 1), (["--stdin", "hi"], 0), (["-"], 0), ([], 0)):
            with open(text, "rb") as given:
                self.assertEqual(said(*args, stdin=given), times, args)
        with open(text, "rb", buffering=0) as begun:
            begun.read(7)  # as the shell does in a loop over lines
            self.assertEqual(said("hi", stdin=begun), 0)
        self.assertEqual(said("hi", stdin=subprocess.DEVNULL), 0)

    def test_the_path_of_a_file_is_told_from_what_stands_in_it(self):
        for flag, text in (("--grammar", 'root ::= "a"'), ("--grammar", "@g.txt"), ("--schema", '{"type": "object"}')):
            self.refused(3, ["call", "-e", "sim", flag, text, "hi"],
                         f"cannot read {text}; {flag} takes the path of a file, without an @, not what stands in it")
        self.assertIn("file with a grammar of the answer, or - for stdin", weir("call", "--help").stdout)

    def test_an_empty_value_is_never_taken_for_none(self):
        for command, flags in LISTS.items():
            for flag in flags:
                with self.subTest(f"{command} {flag}"):
                    self.refused(3, [command, flag, ""], "config_error", "has an empty value")
        self.refused(3, ["--config", "", "call", "hi"], "--config has an empty value")

    def test_numbers_are_read_whole_or_refused(self):
        for flag in ("--max-tokens", "--min-tokens", "--top-k", "--seed", "--n", "--best-of", "--beam", "--logprobs"):
            for value in ("", "x", "1.5", "99999999999999999999999"):
                with self.subTest(f"{flag} {value}"):
                    self.refused(64, ["call", flag, value, "hi"], f"{flag} wants a whole number", f"'{value}'")
        for flag in ("--temperature", "--top-p", "--timeout"):
            self.refused(64, ["call", flag, "warm", "hi"], f"{flag} wants a number")

    def test_the_greatest_number_reaches_the_server_as_it_is(self):
        with Sim("--instant") as sim:
            done = weir("call", "-e", sim.url, "--max-tokens", "9223372036854775807", "hi")
            self.assertEqual(done.returncode, 6)  # it cannot fit, and is refused with the numbers
            self.assertIn("9223372036854775807", done.stderr)
            done = weir("call", "-e", sim.url, "--top-k", "9223372036854775807", "--dry-run", "hi")
        self.assertIn('"top_k":9223372036854775807', done.stdout)

    def test_numbers_without_sense_are_refused(self):
        for value in ("0", "-1", "1e300"):
            self.refused(3, ["call", "--timeout", value, "hi"], "--timeout must be")
        for value in ("0", "-1", "100000"):
            self.refused(3, ["sim", "--threads", value], "--threads must be in [1, 1024]", f"got {value}")
        self.refused(3, ["sim", "--time-scale", "-1"], "--time-scale must be in [0, 1000000]", "got -1")
        deep = self.write("deep.json", "[[[1]]]")
        self.refused(2, ["json", "repair", deep, "--max-depth", "2"], "nested deeper than the limit (max_depth)")
        for flag in ("--ttft", "--itl"):
            for value in ("-1", "1e300"):
                self.refused(3, ["sim", flag, value], f"{flag} must be a number of milliseconds")
        self.refused(64, ["sim", "--max-num-seqs", "-1"], "--max-num-seqs wants a whole number")

    def test_a_folder_in_the_place_of_a_file_is_told_alike_everywhere(self):
        folder = str(self.folder)
        commands = [["--config", folder, "call", "hi"], ["json", "check", folder], ["json", "repair", "--lines", folder],
                    ["schema", "check", "--schema", folder], ["schema", "explain", folder],
                    ["sim", "--scenario", folder], ["sim", "--profile", folder]]
        commands += [["call", "-e", "sim", flag, folder, "hi"] for flag in ("--schema", "--grammar", "--tools", "--events")]
        for command in commands:
            with self.subTest(" ".join(command)):
                self.refused(3, command, f"config_error: {folder} is a folder; name a file")
        instance = weir("schema", "check", "--schema", self.write("s.json", "{}"), folder)
        self.assertEqual(instance.returncode, 3)
        self.assertIn("is a folder; name a file", instance.stderr)

    def test_what_stdout_does_not_take_is_told_once_by_every_command(self):
        self.write("rows.jsonl", '{"n": 1}\n')
        self.write("flow.yaml", "nodes: [{step: a, user: '{{ n }}'}]\n")
        self.write("weir.yaml", "engines: {sim: {kind: sim, sim: {pace: instant}}}\n")
        with Sim("--instant") as sim:
            for line in ("--version", "--help", "help", "completion bash", "config show", "config check",
                         "config check -o json", "config schema", "call -e sim hi", "call -e sim -o json hi",
                         f"call -e {sim.url} --dry-run hi", "complete -e sim hi", "chat -e sim", f"embed -e {sim.url} a",
                         f"models -e {sim.url}", f"models -e {sim.url} -o json", f"doctor {sim.url} --no-probe",
                         f"doctor {sim.url} --no-probe -o json", f"adapters list -e {sim.url} -o json",
                         "flow check flow.yaml", "flow check flow.yaml -o json", "flow show flow.yaml", "agent list",
                         "run flow.yaml -i rows.jsonl --dry-run", "engines list", "json repair rows.jsonl",
                         "jobs submit flow.yaml -i rows.jsonl -o json", "jobs status", "jobs status -o json",
                         "jobs migrate --check", "jobs variant lint fast -m m -o json"):
                with self.subTest(line), open("/dev/full", "w", encoding="utf-8") as full:
                    done = subprocess.run([WEIR, *line.split()], input="hi\n", stdout=full, stderr=subprocess.PIPE,
                                          text=True, env=environment(), cwd=self.folder, timeout=PATIENCE)
                    self.assertEqual((done.returncode, done.stderr.count("weir: io_error: the answer could not be")),
                                     (2, 1), done.stderr)

    def test_what_ends_in_nothing_says_so(self):
        self.refused(64, ["engines", "logs", "own", "-n", "-3"], "--lines wants a whole number")
        self.refused(2, ["sim", "--listen", f"unix:{self.folder}/no/x.sock"], "unix:PATH in a folder that is there")
        help_text = weir("serve-vllm", "some/model", "--help")
        self.assertEqual((help_text.returncode, help_text.stderr), (0, ""))
        self.assertIn("weir serve-vllm MODEL [flags", help_text.stdout)
        path = self.write("none.jsonl", "nothing\n")
        for args, says in ((["events", "tail", path, "--agent", "lint/1"], "there are no events of lint/1"),
                           (["top", path, "--once"], "there are no events in ")):
            done = weir(*args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(says, done.stderr)
        self.write("weir.yaml", "engines: {own: {kind: vllm, model: m, serve: {command: /nope/vllm}}}\n")
        done = weir("warmup", "own", cwd=self.folder)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertTrue(done.stderr.startswith("weir: io_error: cannot start"), done.stderr)

    def test_an_engine_that_is_given_twice_is_told_as_that(self):
        self.refused(64, ["doctor", "-e", "sim", "http://127.0.0.1:9"], "'http://127.0.0.1:9' is a second engine")
        self.refused(64, ["models", "http://127.0.0.1:9", "sim"], "'sim' is a second engine")

    def test_a_choice_is_given_once(self):
        self.refused(3, ["call", "-e", "sim", "--choice", "a,b, a", "hi"], "--choice has 'a' twice")

    def test_flags_that_cannot_stand_together_are_wrong_usage(self):
        ways = (("--schema", "s.json"), ("--json",), ("--regex", "x"), ("--choice", "a,b"), ("--grammar", "g.txt"))
        for first, second in itertools.combinations(ways, 2):
            self.refused(64, ["call", "-e", "sim", *first, *second, "hi"],
                         "usage: give only one of --schema, --json, --regex, --choice and --grammar; see weir call --help")
        self.refused(64, ["call", "-e", "sim", "--tool-choice", "auto", "hi"], "usage: --tool-choice needs --tools; ")
        self.refused(3, ["call", "-e", "sim", "--tools", self.write("t.json", "[]"), "--tool-choice", "auto", "hi"],
                     "--tool-choice has nothing to choose from: ")

    def test_a_dialect_is_found_by_what_is_meant(self):
        for name, meant in (("vllm", "latest"), ("vLLM", "latest"), ("latest", "latest"), ("0.11", "0.11"),
                            ("v0.11", "0.11"), ("vllm-0.11.2", "0.11"), ("vllm0.11", "0.11"), ("vllm==0.10.1", "0.10"),
                            ("vllm-0.14", "0.12"), ("0.99.0", "latest"), ("0.5", "0.6")):
            with self.subTest(name):
                self.refused(3, ["sim", "--dialect", name], f"did you mean vllm-{meant}?", "openai, ollama")
        self.refused(3, ["sim", "--dialect", "olama"], "did you mean ollama?")

    def test_variables_are_read_by_the_same_rules(self):
        for name, value in (("VLLM_MAX_TOKENS", "1e300"), ("VLLM_MAX_TOKENS", "0"), ("VLLM_MAX_RETRIES", "-1"),
                            ("VLLM_TIMEOUT", "1e300")):
            done = weir("call", "hi", env={name: value})
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(name, done.stderr)

    def test_an_extra_field_that_begins_like_json_is_json(self):
        self.refused(3, ["call", "-e", "sim", "--extra", "a={", "hi"], "--extra a begins like JSON")

    def test_logprobs_name_the_form_that_shows_them(self):
        self.refused(3, ["call", "-e", "sim", "--logprobs", "1", "hi"], "-o json")
        done = weir("call", "-e", "sim", "--logprobs", "1", "--max-tokens", "2", "-o", "json", "hi")
        self.assertIn("logprob", json.loads(done.stdout)["tokens"][0])

    def test_what_is_wrong_with_flags_is_json_when_json_was_asked_for(self):
        done = weir("call", "-e", "sim", "-o", "json", "--schema", "/nonexistent", "hi")
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["name"]), (3, "config_error"))


class Help(unittest.TestCase):
    def test_help_is_a_command_too(self):
        for words in ([], ["call"], ["sim"], ["json", "repair"]):
            with self.subTest(" ".join(words)):
                by_word, by_flag = weir("help", *words), weir(*words, "--help")
                self.assertEqual((by_word.returncode, by_word.stdout, by_word.stderr), (0, by_flag.stdout, ""))
        for words, sentence in ((["cal"], "'cal'; did you mean 'call'?"), (["json", "x"], "the commands: check, repair"),
                                (["sim", "serve"], "sim has no commands inside")):
            done = weir("help", *words)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertIn(sentence, done.stderr)

    def test_the_simulator_says_which_port_it_takes(self):
        self.assertIn("127.0.0.1:0", weir("sim", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
