// Classifier: which of its categories a text belongs to, by a linear model over words and letters.
//
// For the category of a task whose submitter gave none. Small and fast rather than clever: one row
// of bytes for each bucket of features (features.h), summed up. Units: none. Threads: const methods
// from any; a model does not change. Errors: kCorrupt for bytes that are no model. Complexity:
// O(features x categories), about 20 us for a short question among 150. Limits: kModelBytesMax,
// limits::kCategories. Lifetime: texts in results point into the model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/jobs/features.h"

namespace reprise::jobs {

inline constexpr std::size_t kModelBytesMax = std::size_t{16} << 20U;

struct Example {
  std::string_view text;
  std::string_view category;
};

class Classifier {
 public:
  struct Verdict {
    std::string_view category;
    double score = 0;   // how far on the category's side; above 0 it claims the text
    double margin = 0;  // over the second best
  };
  Verdict Classify(std::string_view text) const;

  const std::vector<std::string>& categories() const { return categories_; }
  std::size_t MemoryBytes() const;

  // FORMAT.md, the model.
  std::string Serialize() const;
  static base::Result<Classifier> Parse(std::string_view bytes);

 private:
  friend class ModelMaker;

  std::uint32_t bucket_bits_ = 0;
  std::vector<std::string> categories_;
  std::vector<float> scales_;  // of a category's weights
  std::vector<float> biases_;
  std::vector<float> idf_;            // by bucket
  std::vector<std::int8_t> weights_;  // by bucket, then category
};

}  // namespace reprise::jobs
