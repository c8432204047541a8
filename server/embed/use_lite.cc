#include "server/embed/use_lite.h"

#include <utility>

#include "server/embed/kernels.h"

namespace reprise::embed {
namespace {

using base::Code;
using base::Error;
using base::Result;

// How vectors are computed from the file. Raise it with every change that changes vectors.
constexpr std::string_view kComputation = "1";

std::string FingerprintOf(const ModelFile& file, Precision precision) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kDigestShown = 8;
  std::string fingerprint = "use-lite/";
  fingerprint += precision == Precision::kInt8 ? "int8" : "float";
  fingerprint += '/';
  fingerprint += kComputation;
  fingerprint += '/';
  for (const std::uint8_t byte : file.SourceDigest().first<kDigestShown>()) {
    fingerprint += kDigits[byte >> 4U];
    fingerprint += kDigits[byte & 0xFU];
  }
  return fingerprint;
}

}  // namespace

class UseLite::Lease {
 public:
  explicit Lease(const UseLite& owner) : owner_(owner) {
    {
      const base::MutexLock lock(owner_.mutex_);
      if (!owner_.idle_.empty()) {
        scratch_ = std::move(owner_.idle_.back());
        owner_.idle_.pop_back();
      }
    }
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique<Scratch>();
    }
  }
  ~Lease() {
    const base::MutexLock lock(owner_.mutex_);
    if (owner_.idle_.size() < kScratchKept) {
      owner_.idle_.push_back(std::move(scratch_));
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Lease(Lease&&) = delete;
  Lease& operator=(Lease&&) = delete;

  Scratch& operator*() const { return *scratch_; }

 private:
  const UseLite& owner_;
  std::unique_ptr<Scratch> scratch_;
};

std::string UseLitePath(std::string_view models_dir) {
  return std::string(models_dir) + "/use-lite.bin";
}

Result<std::unique_ptr<UseLite>> UseLite::Open(const std::string& path,
                                               const UseLiteOptions& options) {
  ASSIGN_OR_RETURN(ModelFile file, ModelFile::Open(path));
  auto model = Of(std::move(file), options);
  if (!model.ok()) {
    return Error{model.error().code, path + ": " + model.error().detail};
  }
  return model;
}

Result<std::unique_ptr<UseLite>> UseLite::Of(ModelFile file, const UseLiteOptions& options) {
  const Kernel& kernel = options.kernel != nullptr ? *options.kernel : *UsableKernels().front();
  PieceTable table;
  ASSIGN_OR_RETURN(table.text, file.Bytes("pieces.text"));
  ASSIGN_OR_RETURN(table.ends, file.UnsignedWords("pieces.end"));
  ASSIGN_OR_RETURN(table.scores, file.Doubles("pieces.score"));
  ASSIGN_OR_RETURN(Pieces pieces, Pieces::Of(table));
  ASSIGN_OR_RETURN(UseLiteEncoder encoder, UseLiteEncoder::Of(file, kernel, options.precision));
  if (table.ends.size() > encoder.PieceCount()) {
    return Error{Code::kCorrupt, "model file: " + std::to_string(table.ends.size()) +
                                     " pieces, but embeddings of " +
                                     std::to_string(encoder.PieceCount())};
  }
  auto model = std::unique_ptr<UseLite>(
      new UseLite(std::move(file), kernel, std::move(pieces), std::move(encoder)));
  model->fingerprint_ = FingerprintOf(model->file_, options.precision);
  return model;
}

UseLite::UseLite(ModelFile file, const Kernel& kernel, Pieces pieces, UseLiteEncoder encoder)
    : file_(std::move(file)),
      kernel_(&kernel),
      pieces_(std::move(pieces)),
      encoder_(std::move(encoder)) {}

Result<Vector> UseLite::Embed(std::string_view text) const {
  const Lease lease(*this);
  Scratch& scratch = *lease;
  RETURN_IF_ERROR(pieces_.Cut(text, kUseLiteTokensMax, scratch.pieces, scratch.tokens));
  Vector vector(kUseLiteWidth);
  encoder_.Encode(scratch.tokens, scratch.encoder, vector.data());
  return vector;
}

Result<TokenVectors> UseLite::EmbedTokens(std::string_view text) const {
  const Lease lease(*this);
  Scratch& scratch = *lease;
  TokenVectors result;
  RETURN_IF_ERROR(pieces_.Cut(text, kUseLiteTokensMax, scratch.pieces, result.tokens));
  result.vector.resize(kUseLiteWidth);
  encoder_.Encode(result.tokens, scratch.encoder, result.vector.data());
  const auto& state = scratch.encoder.state;
  const auto used = static_cast<std::ptrdiff_t>(result.tokens.size() * kUseLiteWidth);
  result.context.assign(state.begin(), state.begin() + used);
  result.inputs = InputsOf(result.tokens);
  return result;
}

std::vector<float> UseLite::InputsOf(std::span<const Token> tokens) const {
  std::vector<float> inputs;
  inputs.reserve(tokens.size() * kUseLiteInputWidth);
  for (const Token& token : tokens) {
    const std::span<const float> input = encoder_.InputOf(token.piece);
    inputs.insert(inputs.end(), input.begin(), input.end());
  }
  return inputs;
}

Result<std::vector<Token>> UseLite::Tokens(std::string_view text) const {
  const Lease lease(*this);
  std::vector<Token> tokens;
  RETURN_IF_ERROR(pieces_.Cut(text, kUseLiteTokensMax, (*lease).pieces, tokens));
  return tokens;
}

}  // namespace reprise::embed
