// For the tests of this folder: the model as `make setup` leaves it, when it does.
//
// Threads: the test's. Errors: a test that needs the model and has none says so and passes.
#pragma once

#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/embed/kernel.h"
#include "server/embed/use_lite.h"

namespace reprise::embed {

inline std::string ModelPath() {
  const char* models = std::getenv("REPRISE_MODELS_DIR");
  return UseLitePath(models != nullptr ? models : DEFAULT_MODELS_DIR);
}

// Null, with a line that says so, when the model is not installed.
inline std::unique_ptr<UseLite> OpenModel(Precision precision, const Kernel* kernel = nullptr) {
  auto model = UseLite::Open(ModelPath(), {precision, kernel});
  if (!model.ok() && model.error().code == base::Code::kNotFound) {
    WARN("left out: the model is not installed (make setup): " << ModelPath());
    return nullptr;
  }
  if (!model.ok()) {
    FAIL(model.error().detail);
  }
  return std::move(model).value();
}

inline double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double dot = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    a_squares += double{a[i]} * a[i];
    b_squares += double{b[i]} * b[i];
  }
  return dot / std::sqrt(a_squares * b_squares);
}

}  // namespace reprise::embed
