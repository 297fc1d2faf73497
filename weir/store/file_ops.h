#pragma once

// The system calls behind journals, locks and what a run writes, as an interface: what a disk can
// do wrong, a test can let it do.

#include <cstddef>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace weir::store {

// Each function is the system call behind its name: -1 and errno when it fails. A call that a
// signal interrupts is made again. Every function may be called from any thread.
class FileOps {
 public:
  virtual ~FileOps() = default;

  virtual int Open(const std::string& path, int flags, unsigned mode) = 0;
  virtual ssize_t Read(int fd, char* into, std::size_t bytes, off_t position) = 0;  // pread
  virtual ssize_t Write(int fd, std::string_view bytes, off_t position) = 0;        // pwrite
  virtual int Truncate(int fd, off_t size) = 0;
  virtual int Sync(int fd) = 0;                 // fsync
  virtual int Lock(int fd, int operation) = 0;  // flock
  virtual int Close(int fd) = 0;
  virtual off_t Size(int fd) = 0;                                          // fstat
  virtual int MakeFolder(const std::string& path, unsigned mode) = 0;      // mkdir
  virtual int Rename(const std::string& from, const std::string& to) = 0;  // rename
  virtual int Remove(const std::string& path) = 0;                         // unlink
};

// The calls themselves. It has no state; who needs another one says so in its options.
FileOps& SystemFileOps();

// A descriptor that is closed at the end.
class File {
 public:
  File(FileOps& ops, int fd) : ops_(&ops), fd_(fd) {}
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  bool open() const { return fd_ >= 0; }
  ssize_t Read(char* into, std::size_t bytes, off_t position) const {
    return ops_->Read(fd_, into, bytes, position);
  }
  ssize_t Write(std::string_view bytes, off_t position) const {
    return ops_->Write(fd_, bytes, position);
  }
  int Truncate(off_t size) const { return ops_->Truncate(fd_, size); }
  int Sync() const { return ops_->Sync(fd_); }
  int Lock(int operation) const { return ops_->Lock(fd_, operation); }
  off_t Size() const { return ops_->Size(fd_); }
  int fd() const { return fd_; }

 private:
  FileOps* ops_;
  int fd_;
};

}  // namespace weir::store
