// UseLite: the embedder that is inside: Universal Sentence Encoder Lite, English, 512 dimensions.
//
// Computes on the caller's thread, with the fastest kernel that the processor has; the vector is
// the same to the bit with every kernel. Text behind 128 tokens, or behind 16 KiB, does not count.
//
// Errors: Open: kNotFound, kIo, kCorrupt (model_file.h); Embed: kBadRequest for what is not UTF-8.
// Threads: const, any number at a time; memory of a call is kept for the next, at most
// kScratchKept of them. Complexity: about 40 us a token (README.md has figures). Lifetime: results
// own their data. Example:
//   ASSIGN_OR_RETURN(const auto model, UseLite::Open(UseLitePath(models_dir), {}));
//   ASSIGN_OR_RETURN(const Vector vector, model->Embed("What is machine learning?"));
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/embed/embedder.h"
#include "server/embed/model_file.h"
#include "server/embed/pieces.h"
#include "server/embed/use_lite_encoder.h"

namespace reprise::embed {

struct UseLiteOptions {
  Precision precision = Precision::kInt8;
  const Kernel* kernel = nullptr;  // null: the fastest that runs here
};

// The model's file in the folder of models.
std::string UseLitePath(std::string_view models_dir);

class UseLite final : public LocalEmbedder {
 public:
  static constexpr std::size_t kScratchKept = 16;

  static base::Result<std::unique_ptr<UseLite>> Open(const std::string& path,
                                                     const UseLiteOptions& options);
  // The same of a file that is open already.
  static base::Result<std::unique_ptr<UseLite>> Of(ModelFile file, const UseLiteOptions& options);

  std::string_view Name() const override { return "use-lite"; }
  std::string_view Fingerprint() const override { return fingerprint_; }
  std::size_t Width() const override { return kUseLiteWidth; }
  std::string_view KernelName() const { return kernel_->name; }

  base::Result<Vector> Embed(std::string_view text) const override;
  // The same vector, and what it was made of, for little more. Inputs are kUseLiteInputWidth wide.
  base::Result<TokenVectors> EmbedTokens(std::string_view text) const;
  // What the tokens are wherever they stand; of tokens that this model made.
  std::vector<float> InputsOf(std::span<const Token> tokens) const;
  // The tokens alone, without a vector: a few microseconds.
  base::Result<std::vector<Token>> Tokens(std::string_view text) const;

 private:
  struct Scratch {
    PieceScratch pieces;
    std::vector<Token> tokens;
    EncoderScratch encoder;
  };
  // Takes a Scratch, and gives it back at the end of its life.
  class Lease;

  UseLite(ModelFile file, const Kernel& kernel, Pieces pieces, UseLiteEncoder encoder);

  ModelFile file_;
  const Kernel* kernel_;
  Pieces pieces_;
  UseLiteEncoder encoder_;
  std::string fingerprint_;
  mutable base::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> idle_ GUARDED_BY(mutex_);
};

}  // namespace reprise::embed
