// UseLiteEncoder: the transformer of Universal Sentence Encoder Lite, from pieces to a vector.
//
// Two pre-norm layers of four heads (256 wide, then 512), feed-forward 1536, mean over the tokens,
// a dense layer with tanh, unit length. The same code runs the weights as they are (kFloat) and as
// int8, two small matrices as int16, with exact integer sums (kInt8); notes/0001 says how far apart
// the two are.
//
// Internal to server/embed. Units: rows of floats. Errors: kCorrupt for a file that is not this
// model. Threads: const, any; one EncoderScratch by one call at a time. Lifetime: borrows the file.
// Complexity: 4.7 million multiplications a token, and attention, which grows with its square.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/embed/embedder.h"
#include "server/embed/kernel.h"
#include "server/embed/model_file.h"
#include "server/embed/panel_plan.h"

namespace reprise::embed {

inline constexpr std::size_t kUseLiteWidth = 512;
inline constexpr std::size_t kUseLiteInputWidth = 256;
inline constexpr std::size_t kUseLiteTokensMax = 128;

enum class Precision { kFloat, kInt8 };

// Memory of one call, for the next: grows with the longest text, to 3.1 MiB at 128 tokens.
struct EncoderScratch {
  std::vector<float> inputs;    // tokens x 256
  std::vector<float> state;     // tokens x 512: what the layers add to
  std::vector<float> normal;    // tokens x 512: the state, normalised
  std::vector<float> wide;      // tokens x 1536
  std::vector<float> attended;  // tokens x 512
  std::vector<float> product;   // tokens x 512
  std::vector<float> scores;    // tokens
  std::vector<Quantization> rows;
  std::vector<std::byte> quantized;
};

class UseLiteEncoder {
 public:
  // `file` and `kernel` must outlive the encoder.
  static base::Result<UseLiteEncoder> Of(const ModelFile& file, const Kernel& kernel,
                                         Precision precision);

  // Pieces below this number have an input.
  std::size_t PieceCount() const { return pieces_; }
  // 256 floats: what the model takes for the piece, wherever it stands.
  std::span<const float> InputOf(std::int32_t piece) const;

  // `out` has room for kUseLiteWidth. Afterwards `scratch.state` holds the tokens in context.
  void Encode(std::span<const Token> tokens, EncoderScratch& scratch, float* out) const;

 private:
  struct Matrix {
    FloatMatrix values;
    PanelMatrix panels;
    bool is_fine = false;                   // its panels are of int16
    std::unique_ptr<const PanelPlan> plan;  // what `panels` borrows, for a kernel that wants one
  };
  struct Layer {
    std::size_t width = 0;
    float query_scale = 0;
    LayerNorm attention_norm;
    LayerNorm feed_forward_norm;
    Matrix qkv;
    Matrix out;
    Matrix widen;
    Matrix narrow;
  };

  UseLiteEncoder(const Kernel& kernel, Precision precision)
      : kernel_(&kernel), precision_(precision) {}

  base::Status ReadLayer(const ModelFile& file, std::string_view name, Layer& layer) const;
  void TakeInputs(std::span<const Token> tokens, EncoderScratch& scratch) const;
  void Multiply(const Matrix& matrix, const FloatRows& rows, EncoderScratch& scratch,
                float* out) const;
  // `input`: rows of layer.width; the result is added to scratch.state.
  void Run(const Layer& layer, const FloatRows& input, EncoderScratch& scratch) const;

  const Kernel* kernel_;
  Precision precision_;
  std::size_t pieces_ = 0;
  const float* embeddings_ = nullptr;
  std::vector<float> timing_;  // of each place: 256 floats
  Matrix residual_;
  std::array<Layer, 2> layers_;
  Matrix head_;
};

}  // namespace reprise::embed
