// DenseModel: expected quality as a linear function of a few hundred numbers, as exact as if it
// were fitted anew to all outcomes after each one (recursive least squares, ridge regression in
// closed form).
//
// Threads: one writer, or any number of readers. Errors: none. Complexity: O(size) to predict,
// O(size^2) to learn. Units: quality, 0 to 1. Memory: 4 * size^2 bytes once it has learned
// anything.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace reprise::routing {

class DenseModel {
 public:
  // The weights before anything is learned, and how sure they are: the variance of each, in units
  // of the noise of an outcome.
  struct Start {
    std::span<const float> weights;
    std::span<const float> variances;
  };
  explicit DenseModel(const Start& start);

  float Predict(std::span<const float> input) const;
  // `forget` is 1 to remember all; a little less to let what is old fade.
  void Learn(std::span<const float> input, float outcome, float forget);
  // As unsure as at the beginning; the weights stay.
  void Loosen();

  bool has_learned() const { return !covariance_.empty(); }
  std::size_t size() const { return weights_.size(); }
  std::size_t NumbersIn() const { return weights_.size() + covariance_.size(); }
  void Save(std::vector<float>& numbers) const;
  // Of a model of this size that has learned, or has not.
  void Load(std::span<const float> numbers);
  std::size_t bytes() const { return NumbersIn() * sizeof(float); }

 private:
  void MakeCovariance();

  std::vector<float> variances_;
  std::vector<float> weights_;
  std::vector<float> covariance_;  // of the weights, whole; empty before the first outcome
  std::vector<float> scratch_;
};

}  // namespace reprise::routing
