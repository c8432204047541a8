#include "server/semantic/embedding.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>
#include <vector>

#include "protocol/base/random.h"
#include "server/embed/hash_embedder.h"
#include "server/embed/http_embedder.h"
#include "server/embed/use_lite.h"
#include "server/embed/vector_cache.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kClientPrefix = "client-";  // of a fingerprint

embed::VectorCacheOptions CacheOptionsOf(std::int64_t bytes) {
  constexpr std::int64_t kTextWithTokens =
      std::int64_t{12} * 1024;  // usual bytes of one, and some to spare
  embed::VectorCacheOptions options;
  options.bytes_max = static_cast<std::size_t>(bytes);
  options.token_entries_max = static_cast<std::size_t>(bytes / kTextWithTokens);
  options.seed = base::RandomSeed();
  return options;
}

// In the cache of vectors.
std::string KeyOf(const OwnText& text) {
  const auto prefix = storage::PrefixOf(text.owner);
  std::string key(prefix.data(), prefix.size());
  key += text.text;
  return key;
}

class UseLiteEmbedding final : public Embedding {
 public:
  UseLiteEmbedding(std::unique_ptr<embed::UseLite> model, std::int64_t cache_bytes)
      : model_(std::move(model)), cache_(CacheOptionsOf(cache_bytes)) {}

  std::string_view Name() const override { return model_->Name(); }
  std::string_view Fingerprint() const override { return model_->Fingerprint(); }
  std::size_t Width() const override { return model_->Width(); }
  bool HasTokens() const override { return true; }
  bool IsLocal() const override { return true; }

  VectorsPtr Known(const OwnText& text) const override {
    const auto known = cache_.Find(KeyOf(text));
    if (known == nullptr) {
      return nullptr;
    }
    auto vectors = std::make_shared<embed::TokenVectors>();
    vectors->vector = *known;
    return vectors;
  }
  base::Result<VectorsPtr> Embed(const OwnText& text) const override {
    if (VectorsPtr known = Known(text); known != nullptr) {
      return known;
    }
    return Compute(text);
  }
  base::Result<VectorsPtr> EmbedTokens(const OwnText& text) const override {
    const embed::VectorCache::Known known = cache_.FindTokens(KeyOf(text));
    if (known.tokens == nullptr) {
      return Compute(text);
    }
    auto vectors = std::make_shared<embed::TokenVectors>();
    vectors->vector = *known.vector;
    vectors->tokens = known.tokens->tokens;
    vectors->context = known.tokens->Context();
    vectors->inputs = model_->InputsOf(vectors->tokens);
    return VectorsPtr(std::move(vectors));
  }

 private:
  base::Result<VectorsPtr> Compute(const OwnText& text) const {
    ASSIGN_OR_RETURN(embed::TokenVectors made, model_->EmbedTokens(text.text));
    CountEmbedded();
    auto packed = std::make_shared<const embed::PackedTokens>(embed::PackedTokens::Of(made));
    made.context = packed->Context();  // As when they are found: the same text, the same judgement.
    cache_.KeepTokens(KeyOf(text),
                      {std::make_shared<const embed::Vector>(made.vector), std::move(packed)});
    return VectorsPtr(std::make_shared<const embed::TokenVectors>(std::move(made)));
  }

  const std::unique_ptr<embed::UseLite> model_;
  mutable embed::VectorCache cache_;
};

// Programs of a build tree stand in build/<preset>/bin, its models in build/models.
std::string ModelsDirOf(const EmbeddingOptions& options) {
  if (!options.models_dir.empty()) {
    return options.models_dir;
  }
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto beside = program.parent_path().parent_path().parent_path() / "models";
  return !failed && std::filesystem::is_directory(beside, failed) ? beside.string()
                                                                  : "/usr/share/reprise/models";
}

// So quick that a cache would cost more.
class HashEmbedding final : public Embedding {
 public:
  bool IsLocal() const override { return true; }
  std::string_view Name() const override { return model_.Name(); }
  std::string_view Fingerprint() const override { return model_.Fingerprint(); }
  std::size_t Width() const override { return model_.Width(); }

  VectorsPtr Known(const OwnText& text) const override {
    auto vectors = Embed(text);
    return vectors.ok() ? std::move(vectors).value() : nullptr;
  }
  base::Result<VectorsPtr> Embed(const OwnText& text) const override {
    embed::TokenVectors made;
    ASSIGN_OR_RETURN(made.vector, model_.Embed(text.text));
    CountEmbedded();
    return VectorsPtr(std::make_shared<const embed::TokenVectors>(std::move(made)));
  }

 private:
  const embed::HashEmbedder model_{};
};

// Asks an endpoint, and waits for it as long as the deadline allows.
class HttpEmbedding final : public Embedding {
 public:
  HttpEmbedding(std::unique_ptr<embed::HttpEmbedder> model, std::int64_t cache_bytes)
      : cache_(CacheOptionsOf(cache_bytes)), model_(std::move(model)) {}

  std::string_view Name() const override { return model_->Name(); }
  std::string_view Fingerprint() const override { return model_->Fingerprint(); }
  std::size_t Width() const override { return model_->Width(); }

  VectorsPtr Known(const OwnText& text) const override {
    const auto known = cache_.Find(KeyOf(text));
    return known == nullptr ? nullptr : TextVector(*known);
  }
  base::Result<VectorsPtr> Embed(const OwnText& text) const override {
    if (VectorsPtr known = Known(text); known != nullptr) {
      return known;
    }
    auto answer = std::make_shared<std::promise<base::Result<embed::Vector>>>();
    auto coming = answer->get_future();
    const base::Status submitted = model_->Submit(
        std::string(text.text),
        [answer](base::Result<embed::Vector> vector) { answer->set_value(std::move(vector)); });
    return submitted.ok() ? Keep(KeyOf(text), coming.get()) : Unavailable(submitted.error());
  }

  base::Result<VectorsPtr> EmbedOrPause(const OwnText& text, Pause& pause) const override {
    if (pause.came() != nullptr) {
      return *pause.came();
    }
    if (const auto known = cache_.Find(KeyOf(text)); known != nullptr) {
      return TextVector(*known);
    }
    const std::function<void(Pause::Came)> resume = pause.Suspend();
    const base::Status submitted =
        model_->Submit(std::string(text.text),
                       [this, resume, key = KeyOf(text)](base::Result<embed::Vector> vector) {
                         if (vector.ok() || vector.error().code != Code::kShuttingDown) {
                           resume(Keep(key, std::move(vector)));
                         }
                       });
    if (!submitted.ok()) {
      return Unavailable(submitted.error());
    }
    return Error{Code::kWouldBlock, "the vector comes from elsewhere"};
  }

  void Stop() override { model_->Stop(); }

 private:
  static VectorsPtr TextVector(const embed::Vector& vector) {
    auto vectors = std::make_shared<embed::TokenVectors>();
    vectors->vector = vector;
    return vectors;
  }
  base::Result<VectorsPtr> Keep(const std::string& key, base::Result<embed::Vector> came) const {
    if (!came.ok()) {
      return Unavailable(came.error());
    }
    CountEmbedded();
    const auto vector = std::make_shared<const embed::Vector>(std::move(came).value());
    cache_.Keep(key, vector);
    return TextVector(*vector);
  }
  // Whatever it was: to a lookup it is a miss.
  static Error Unavailable(const Error& error) { return {Code::kUnavailable, error.detail}; }

  mutable embed::VectorCache cache_;
  const std::unique_ptr<embed::HttpEmbedder> model_;  // its thread uses the cache
};

class ClientEmbedding final : public Embedding {
 public:
  explicit ClientEmbedding(std::size_t width)
      : width_(width), fingerprint_(std::string(kClientPrefix) + std::to_string(width)) {}

  std::string_view Name() const override { return "client"; }
  std::string_view Fingerprint() const override { return fingerprint_; }
  std::size_t Width() const override { return width_; }
  bool IsClient() const override { return true; }
  base::Result<VectorsPtr> Embed(const OwnText& /*text*/) const override {
    return Error{Code::kBadRequest, "the server has no embedder of its own"};
  }

 private:
  const std::size_t width_;
  const std::string fingerprint_;
};

}  // namespace

base::Result<std::unique_ptr<Embedding>> Embedding::Make(const EmbeddingOptions& options,
                                                         const base::Clock& clock) {
  if (options.embedder == "client") {
    return std::unique_ptr<Embedding>(
        std::make_unique<ClientEmbedding>(static_cast<std::size_t>(options.client_width)));
  }
  if (options.embedder == "http") {
    embed::HttpEmbedderOptions http;
    http.url = options.url;
    http.model = options.model;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): at the start, before other threads
    const bool has_key = std::getenv(options.key_variable.c_str()) != nullptr;
    http.key_variable = has_key ? options.key_variable : "";
    http.width = static_cast<std::size_t>(options.http_width);
    http.deadline_ms = options.deadline_ms;
    ASSIGN_OR_RETURN(auto model, embed::HttpEmbedder::Start(http, clock));
    return std::unique_ptr<Embedding>(
        std::make_unique<HttpEmbedding>(std::move(model), options.cache_bytes));
  }
  std::string warning;
  if (options.embedder == "auto" || options.embedder == "use-lite") {
    auto model = embed::UseLite::Open(embed::UseLitePath(ModelsDirOf(options)), {});
    if (model.ok()) {
      return std::unique_ptr<Embedding>(
          std::make_unique<UseLiteEmbedding>(std::move(model).value(), options.cache_bytes));
    }
    if (options.embedder == "use-lite") {
      return Error{model.error().code, "semantic.embedder is use-lite: " + model.error().detail +
                                           "; install the model, or set auto or hash"};
    }
    warning = model.error().detail + "; questions are compared by words and letters (hash) instead";
  }
  auto hash = std::make_unique<HashEmbedding>();
  hash->Warn(std::move(warning));
  return std::unique_ptr<Embedding>(std::move(hash));
}

std::optional<std::int64_t> WidthOfClient(std::string_view fingerprint) {
  if (!fingerprint.starts_with(kClientPrefix)) {
    return std::nullopt;
  }
  std::int64_t width = 0;
  const char* const end = fingerprint.data() + fingerprint.size();
  const auto read = std::from_chars(fingerprint.data() + kClientPrefix.size(), end, width);
  return read.ec == std::errc() && read.ptr == end ? std::optional(width) : std::nullopt;
}

base::Result<VectorsPtr> UnitVector(std::span<const float> vector, std::size_t width) {
  if (vector.size() != width) {
    return Error{Code::kBadRequest, "'vector' has " + std::to_string(vector.size()) +
                                        " dimensions, the server is set to " +
                                        std::to_string(width) + " (semantic.client_width)"};
  }
  double square = 0;
  for (const float value : vector) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  // Lengths that no embedder gives; NaN fails both.
  constexpr double kShortest = 1e-6;
  constexpr double kLongest = 1e6;
  if (!(square >= kShortest * kShortest && square <= kLongest * kLongest)) {
    return Error{Code::kBadRequest,
                 "'vector' is not usable: it holds NaN or infinity, is zero, or has a length below "
                 "1e-6 or above 1e6"};
  }
  auto unit = std::make_shared<embed::TokenVectors>();
  const double length = std::sqrt(square);
  unit->vector.reserve(width);
  for (const float value : vector) {
    unit->vector.push_back(static_cast<float>(static_cast<double>(value) / length));
  }
  return VectorsPtr(std::move(unit));
}

}  // namespace reprise::semantic
