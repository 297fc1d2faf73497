#pragma once

// OutputPipe: what a child prints, as it comes: for programs whose output has no lines, or has more
// of them than anybody keeps. Child::ReadLine() is for those that speak in lines.

#include <memory>
#include <string_view>

#include "weir/async/context.h"

namespace weir::async {

class OutputPipe {
 public:
  // Fails with kIoError when no more files can be opened.
  static Result<std::unique_ptr<OutputPipe>> Open(Loop& loop);
  ~OutputPipe();
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;

  // For ChildOptions::output_fd and error_fd. Close it when the child has started, or the end of
  // the output never comes.
  int write_end() const;
  void CloseWriteEnd();

  // Waits until something was written, and gives some of it; nothing at the end. Good until the
  // next call. Other work of the loop has its turn in between, however much is written. Fails with
  // kIoError and with the context's error.
  Task<Result<std::string_view>> Read(Context ctx);

  // The same without waiting: nothing, too, where nothing was written yet.
  std::string_view ReadNow();

 private:
  struct Ends;

  explicit OutputPipe(std::unique_ptr<Ends> ends);

  std::unique_ptr<Ends> ends_;
};

}  // namespace weir::async
