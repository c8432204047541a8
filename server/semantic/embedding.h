// Embedding: the embedder that the operator chose, behind one call, with a cache of repeated texts.
//
// Choices: `auto` (use-lite when its model is installed, else hash), `use-lite`, `hash`, `http`,
// `client`. What cannot be had is replaced by `hash`, with a warning that says so.
//
// Threads: any but a loop. Errors: kBadRequest (text, or a vector of the wrong width, with NaN, or
// zero), kUnavailable (http: no answer in time, breaker open), kWouldBlock (see Pause). Units: unit
// vectors. Lifetime: what is returned is shared and does not change.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/embed/embedder.h"
#include "server/semantic/assess.h"
#include "storage/engine/namespace_id.h"

namespace reprise::semantic {

// How a call waits for a vector that comes from elsewhere, without keeping a thread.
class Pause {
 public:
  using Came = base::Result<VectorsPtr>;
  virtual ~Pause() = default;
  // What the call was run again for; null: it has not waited yet.
  virtual const Came* came() const = 0;
  // Once. If the call ends with kWouldBlock then, it is run again when what this answers is called,
  // with the vectors or why there are none. Dropped instead, the call has no reply. Any thread.
  virtual std::function<void(Came)> Suspend() = 0;
};

// Of whom a text is. What is remembered of it is remembered for that namespace alone: how long an
// answer takes must not tell what others have asked.
struct OwnText {
  storage::NamespaceId owner{0};
  std::string_view text;
};

struct EmbeddingOptions {
  std::string embedder = "auto";
  std::string models_dir;  // empty: models beside the build tree's programs, or the package's
  std::int64_t client_width = 512;  // of `client`
  std::int64_t cache_bytes = std::int64_t{64} * 1024 * 1024;
  // Of `http`.
  std::string url;
  std::string model;
  std::string key_variable;
  std::int64_t http_width = 1'536;
  std::int64_t deadline_ms = 300;
};

class Embedding {
 public:
  virtual ~Embedding() = default;

  // `clock` outlives it.
  static base::Result<std::unique_ptr<Embedding>> Make(const EmbeddingOptions& options,
                                                       const base::Clock& clock);

  virtual std::string_view Name() const = 0;
  virtual std::string_view Fingerprint() const = 0;
  virtual std::size_t Width() const = 0;
  // It can show the vectors of tokens too.
  virtual bool HasTokens() const { return false; }
  // Embed computes here and now, and waits for nobody.
  virtual bool IsLocal() const { return false; }
  // Vectors come from the callers.
  virtual bool IsClient() const { return false; }
  // The vector, when it is there already or costs next to nothing; else null. Any thread, loops
  // too.
  virtual VectorsPtr Known(const OwnText& /*text*/) const { return nullptr; }
  // With tokens only where they cost nothing.
  virtual base::Result<VectorsPtr> Embed(const OwnText& text) const = 0;
  // With tokens, if it HasTokens.
  virtual base::Result<VectorsPtr> EmbedTokens(const OwnText& text) const { return Embed(text); }
  // The same, but waits for nobody: kWouldBlock when the call was suspended.
  virtual base::Result<VectorsPtr> EmbedOrPause(const OwnText& text, Pause& /*pause*/) const {
    return Embed(text);
  }
  // Nothing is embedded any more by an embedder that waits; those who pause have no reply.
  virtual void Stop() {}
  // Why it is not what was asked for; empty: it is.
  std::string_view warning() const { return warning_; }
  std::uint64_t embedded() const { return embedded_.load(std::memory_order_relaxed); }

 protected:
  void CountEmbedded() const { embedded_.fetch_add(1, std::memory_order_relaxed); }
  void Warn(std::string warning) { warning_ = std::move(warning); }

 private:
  mutable std::atomic<std::uint64_t> embedded_{0};
  std::string warning_;
};

// Of the embedder `client` that has this fingerprint. Absent: it is another's.
std::optional<std::int64_t> WidthOfClient(std::string_view fingerprint);
// A caller's vector, made one unit long. Errors: kBadRequest.
base::Result<VectorsPtr> UnitVector(std::span<const float> vector, std::size_t width);

}  // namespace reprise::semantic
