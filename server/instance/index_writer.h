// IndexWriter: the thread that brings committed entries into the index of vectors.
//
// Threads: one of its own; it sleeps until an entry comes, and looks around now and then for what
// has gone. Lifetime: the destructor joins it and writes a snapshot; what it serves outlives it.
// Errors: none.
#pragma once

#include <atomic>
#include <thread>

#include "server/semantic/semantic.h"

namespace reprise::instance {

class IndexWriter {
 public:
  explicit IndexWriter(semantic::Semantic& semantic);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;
  IndexWriter(IndexWriter&&) = delete;
  IndexWriter& operator=(IndexWriter&&) = delete;

 private:
  semantic::Semantic& semantic_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace reprise::instance
