#pragma once

// Child: another program, in a process group of its own, with its input and output as coroutines.
// Destroying a Child kills the whole group, so that it does not outlive its owner by accident.
//
// It gets nothing that this process has open but the three standard streams. No handler for SIGCHLD
// is set, and none is needed.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "weir/async/context.h"
#include "weir/base/env.h"

namespace weir::async {

struct ChildOptions {
  std::vector<std::string> argv;  // [0] is looked for on the PATH of `env` unless it has a slash
  Env env;                        // all that the program gets
  std::string directory;          // where it runs, and what an argv[0] with a slash counts from
  bool own_session = false;       // a session of its own, away from the terminal, not just a group
  // Killed when the thread that has started it ends, so when this process is killed: the program
  // itself, not what it has started.
  bool dies_with_us = false;
  bool pipe_input = false;   // Write() feeds it; else it reads an empty input
  bool pipe_output = false;  // ReadLine() reads it; else it goes to `output_fd`
  int output_fd = -1;        // -1: /dev/null
  int error_fd = 2;          // standard error; -1: /dev/null
  // The new process writes its pid (a pid_t) here before the program starts, so that whoever reads
  // knows it even if this process is killed at that very moment. -1: nobody is told.
  int announce_fd = -1;
};

// How a process ended.
struct ChildExit {
  int status = 0;  // when no signal ended it
  int signal = 0;

  bool ok() const { return status == 0 && signal == 0; }
  friend bool operator==(const ChildExit&, const ChildExit&) = default;
};

// "ended with status 3", "was killed by signal 9 (Killed)".
std::string Describe(const ChildExit& exit);

// The path of the program that `name` means, or nothing: names with a slash are taken as they are.
std::optional<std::string> FindProgram(const std::string& name, const Env& env);

class Child {
 public:
  // Starts the program. Fails with kConfigError when there is none, kIoError when it does not
  // start; the message names it.
  static Result<std::unique_ptr<Child>> Start(Loop& loop, ChildOptions options);

  // Kills the group and takes the child's leave. Nothing may be waiting.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }  // of the group, too
  const std::string& name() const { return name_; }

  // Returns when all of `text` is in the pipe. A program that does not read makes it wait: whoever
  // writes much reads meanwhile. Fails with kIoError when the program has closed its input, and
  // with the context's error; then a part may have been written. `text` must outlive the task.
  Task<Result<void>> Write(Context ctx, std::string_view text);
  // The program finds the end of its input.
  void CloseInput();

  // The next line without its end, or nothing at the end of the output. What stands behind the last
  // end of a line is a line, too. Fails with kIoError for a line of more than `max_bytes`; what was
  // read of an unfinished line when the context ends is kept for the next call.
  Task<Result<std::optional<std::string>>> ReadLine(Context ctx, std::size_t max_bytes);

  // Whether more was read than ReadLine() has given.
  bool has_unread() const { return taken_ < unread_.size(); }

  // Waits until the process has ended; what it started may go on.
  Task<Result<ChildExit>> Wait(Context ctx);
  // How it ended, if it has.
  std::optional<ChildExit> Ended();

  // To the whole group, also when the process itself has ended. Nothing happens where nobody is
  // left.
  void Signal(int number);

  // From now on the destructor kills nothing: somebody else looks after the group.
  void Leave() { left_ = true; }

 private:
  struct Pipes;

  Child(Loop& loop, std::string name, pid_t pid);
  Task<Result<void>> Ready(Context ctx, int which);
  Task<Result<void>> ReadMore(Context ctx);

  const std::string name_;
  const pid_t pid_;
  std::unique_ptr<Pipes> pipes_;
  std::string unread_;  // of the output, from ...
  std::size_t taken_ = 0;
  bool output_ended_ = false;
  bool left_ = false;
  std::optional<ChildExit> exit_;
};

}  // namespace weir::async
