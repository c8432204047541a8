#include "server/instance/index_writer.h"

#include <pthread.h>

namespace reprise::instance {

IndexWriter::IndexWriter(semantic::Semantic& semantic) : semantic_(semantic) {
  thread_ = std::thread([this] {
    constexpr std::int64_t kLookAroundMs = 50;
    while (!stopping_) {
      if (!semantic_.Step()) {
        semantic_.Wait(kLookAroundMs);
      }
    }
    semantic_.Close();
  });
  pthread_setname_np(thread_.native_handle(), "index-writer");
}

IndexWriter::~IndexWriter() {
  stopping_ = true;
  semantic_.Wake();
  thread_.join();
}

}  // namespace reprise::instance
