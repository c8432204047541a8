#include "server/embed/use_lite_encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "protocol/base/ensure.h"

namespace reprise::embed {
namespace {

using base::Ok;
using base::Result;
using base::Status;

constexpr std::size_t kHeads = 4;
constexpr std::size_t kWide = 1536;
constexpr std::size_t kEmbeddings = 8002;
constexpr std::size_t kFrequencies = kUseLiteInputWidth / 2;
constexpr std::size_t kScalars = 3;  // epsilon of the norms, query scale of each layer

Status ReadFloat(const ModelFile& file, const std::string& name, FloatMatrix& matrix) {
  ASSIGN_OR_RETURN(matrix.values, file.Floats(name, {matrix.inputs, matrix.outputs}));
  ASSIGN_OR_RETURN(matrix.bias, file.Floats(name + ".bias", {1, matrix.outputs}));
  return Ok{};
}

// int16 when `matrix.is_fine`: small matrices whose errors weigh most.
template <typename Matrix>
Status ReadMatrix(const ModelFile& file, const std::string& name, Shape shape, const Kernel& kernel,
                  Matrix& matrix) {
  PanelMatrix& panels = matrix.panels;
  matrix.values.inputs = panels.inputs = shape.rows;
  matrix.values.outputs = panels.outputs = shape.columns;
  RETURN_IF_ERROR(ReadFloat(file, name, matrix.values));
  panels.bias = matrix.values.bias;
  ASSIGN_OR_RETURN(panels.panels, matrix.is_fine
                                      ? file.Panels(name + ".int16", SectionKind::kWidePanel, shape)
                                      : file.Panels(name + ".int8", SectionKind::kPanel, shape));
  ASSIGN_OR_RETURN(panels.scales, file.Floats(name + ".scale", {1, shape.columns}));
  ASSIGN_OR_RETURN(panels.sums, file.Words(name + ".sum", {1, shape.columns}));
  if (kernel.wants_plan && !matrix.is_fine) {
    matrix.plan = std::make_unique<const PanelPlan>(PlanOf(panels));
    Attach(*matrix.plan, panels);
  }
  return Ok{};
}

Status ReadNorm(const ModelFile& file, const std::string& name, LayerNorm& norm) {
  ASSIGN_OR_RETURN(norm.scale, file.Floats(name + ".scale", {1, norm.width}));
  ASSIGN_OR_RETURN(norm.bias, file.Floats(name + ".bias", {1, norm.width}));
  return Ok{};
}

// Sine and cosine of each place, times the frequencies of the model.
std::vector<float> TimingOf(const float* frequencies) {
  std::vector<float> timing(kUseLiteTokensMax * kUseLiteInputWidth);
  for (std::size_t place = 0; place < kUseLiteTokensMax; ++place) {
    float* row = timing.data() + place * kUseLiteInputWidth;
    for (std::size_t i = 0; i < kFrequencies; ++i) {
      const float angle = static_cast<float>(place) * frequencies[i];
      row[i] = std::sin(angle);
      row[kFrequencies + i] = std::cos(angle);
    }
  }
  return timing;
}

void Grow(std::vector<float>& values, std::size_t count) {
  if (values.size() < count) {
    values.resize(count);
  }
}

void Reserve(EncoderScratch& scratch, std::size_t tokens) {
  const std::size_t rows = std::max<std::size_t>(tokens, 1);
  Grow(scratch.inputs, rows * kUseLiteInputWidth);
  Grow(scratch.state, rows * kUseLiteWidth);
  Grow(scratch.normal, rows * kUseLiteWidth);
  Grow(scratch.wide, rows * kWide);
  Grow(scratch.attended, rows * kUseLiteWidth);
  Grow(scratch.product, rows * kUseLiteWidth);
  Grow(scratch.scores, rows + kLanes);
  if (scratch.rows.size() < rows) {
    scratch.rows.resize(rows);
  }
  if (scratch.quantized.size() < rows * kWide * kQuantizedBytesMax) {
    scratch.quantized.resize(rows * kWide * kQuantizedBytesMax);
  }
}

}  // namespace

Result<UseLiteEncoder> UseLiteEncoder::Of(const ModelFile& file, const Kernel& kernel,
                                          Precision precision) {
  UseLiteEncoder encoder(kernel, precision);
  ASSIGN_OR_RETURN(encoder.embeddings_,
                   file.Floats("embeddings", {kEmbeddings, kUseLiteInputWidth}));
  encoder.pieces_ = kEmbeddings;
  ASSIGN_OR_RETURN(const float* frequencies, file.Floats("timing", {1, kFrequencies}));
  encoder.timing_ = TimingOf(frequencies);
  ASSIGN_OR_RETURN(const float* scalars, file.Floats("scalars", {1, kScalars}));
  encoder.residual_.is_fine = encoder.layers_[0].qkv.is_fine = true;
  const std::array<std::size_t, 2> widths{kUseLiteInputWidth, kUseLiteWidth};
  for (std::size_t i = 0; i < encoder.layers_.size(); ++i) {
    Layer& layer = encoder.layers_[i];
    layer.width = widths[i];
    layer.attention_norm.epsilon = layer.feed_forward_norm.epsilon = scalars[0];
    layer.query_scale = scalars[1 + i];
    RETURN_IF_ERROR(encoder.ReadLayer(file, "layer" + std::to_string(i) + ".", layer));
  }
  RETURN_IF_ERROR(
      ReadMatrix(file, "residual", {kUseLiteInputWidth, kUseLiteWidth}, kernel, encoder.residual_));
  RETURN_IF_ERROR(ReadMatrix(file, "head", {kUseLiteWidth, kUseLiteWidth}, kernel, encoder.head_));
  return encoder;
}

Status UseLiteEncoder::ReadLayer(const ModelFile& file, std::string_view name, Layer& layer) const {
  const std::string prefix(name);
  layer.attention_norm.width = layer.width;
  layer.feed_forward_norm.width = kUseLiteWidth;
  RETURN_IF_ERROR(ReadNorm(file, prefix + "norm1", layer.attention_norm));
  RETURN_IF_ERROR(ReadNorm(file, prefix + "norm2", layer.feed_forward_norm));
  RETURN_IF_ERROR(
      ReadMatrix(file, prefix + "qkv", {layer.width, 3 * layer.width}, *kernel_, layer.qkv));
  RETURN_IF_ERROR(
      ReadMatrix(file, prefix + "out", {layer.width, kUseLiteWidth}, *kernel_, layer.out));
  RETURN_IF_ERROR(ReadMatrix(file, prefix + "ffn1", {kUseLiteWidth, kWide}, *kernel_, layer.widen));
  return ReadMatrix(file, prefix + "ffn2", {kWide, kUseLiteWidth}, *kernel_, layer.narrow);
}

std::span<const float> UseLiteEncoder::InputOf(std::int32_t piece) const {
  ENSURE(piece >= 0 && static_cast<std::size_t>(piece) < pieces_);
  return {embeddings_ + static_cast<std::size_t>(piece) * kUseLiteInputWidth, kUseLiteInputWidth};
}

void UseLiteEncoder::TakeInputs(std::span<const Token> tokens, EncoderScratch& scratch) const {
  for (std::size_t place = 0; place < tokens.size(); ++place) {
    const std::span<const float> input = InputOf(tokens[place].piece);
    const float* timing = timing_.data() + place * kUseLiteInputWidth;
    float* row = scratch.inputs.data() + place * kUseLiteInputWidth;
    for (std::size_t i = 0; i < kUseLiteInputWidth; ++i) {
      row[i] = 2 * input[i] + timing[i];
    }
  }
}

void UseLiteEncoder::Multiply(const Matrix& matrix, const FloatRows& rows, EncoderScratch& scratch,
                              float* out) const {
  if (precision_ == Precision::kFloat) {
    kernel_->multiply_float(matrix.values, rows, out);
    return;
  }
  const std::size_t inputs = matrix.panels.inputs;
  auto* fine = reinterpret_cast<std::int16_t*>(scratch.quantized.data());
  for (std::size_t i = 0; i < rows.count; ++i) {
    const float* row = rows.values + i * inputs;
    scratch.rows[i] =
        matrix.is_fine
            ? kernel_->quantize_fine(row, inputs, fine + i * inputs)
            : kernel_->quantize(row, inputs,
                                scratch.quantized.data() + i * inputs * kernel_->value_bytes);
  }
  const QuantizedRows quantized{scratch.quantized.data(), scratch.rows.data(), rows.count};
  (matrix.is_fine ? kernel_->multiply_int16 : kernel_->multiply_int8)(matrix.panels, quantized,
                                                                      out);
}

void UseLiteEncoder::Run(const Layer& layer, const FloatRows& input,
                         EncoderScratch& scratch) const {
  const std::size_t count = input.count;
  const auto normalize = [&](const LayerNorm& norm, const float* rows) {
    for (std::size_t i = 0; i < count; ++i) {
      kernel_->normalize(norm, rows + i * norm.width, scratch.normal.data() + i * norm.width);
    }
  };
  normalize(layer.attention_norm, input.values);
  Multiply(layer.qkv, {scratch.normal.data(), count}, scratch, scratch.wide.data());
  kernel_->attend({scratch.wide.data(), count, layer.width, kHeads, layer.query_scale,
                   scratch.scores.data(), scratch.attended.data()});
  Multiply(layer.out, {scratch.attended.data(), count}, scratch, scratch.product.data());
  kernel_->add(scratch.product.data(), count * kUseLiteWidth, scratch.state.data());

  normalize(layer.feed_forward_norm, scratch.state.data());
  Multiply(layer.widen, {scratch.normal.data(), count}, scratch, scratch.wide.data());
  kernel_->rectify(scratch.wide.data(), count * kWide);
  Multiply(layer.narrow, {scratch.wide.data(), count}, scratch, scratch.product.data());
  kernel_->add(scratch.product.data(), count * kUseLiteWidth, scratch.state.data());
}

void UseLiteEncoder::Encode(std::span<const Token> tokens, EncoderScratch& scratch,
                            float* out) const {
  ENSURE(tokens.size() <= kUseLiteTokensMax);
  const std::size_t count = tokens.size();
  Reserve(scratch, count);
  TakeInputs(tokens, scratch);
  if (count > 0) {
    // The first layer widens: what is added to is its input times a matrix.
    Multiply(residual_, {scratch.inputs.data(), count}, scratch, scratch.state.data());
    Run(layers_[0], {scratch.inputs.data(), count}, scratch);
    Run(layers_[1], {scratch.state.data(), count}, scratch);
  }
  float* mean = scratch.product.data();
  std::fill_n(mean, kUseLiteWidth, 0.0F);
  for (std::size_t i = 0; i < count; ++i) {
    kernel_->add(scratch.state.data() + i * kUseLiteWidth, kUseLiteWidth, mean);
  }
  for (std::size_t i = 0; i < kUseLiteWidth; ++i) {
    mean[i] /= static_cast<float>(std::max<std::size_t>(count, 1));
  }
  Multiply(head_, {mean, 1}, scratch, out);
  kernel_->finish(out, kUseLiteWidth);
}

}  // namespace reprise::embed
