// TlsContext: certificate and key for TLS listeners, replaceable while connections are open.
//
// Threads: Load and Reload on any thread; the loops pick up the newest context for each new
// connection. Errors: kIo / kBadRequest with the file and OpenSSL's reason; a failed Reload keeps
// the old one. Defaults: TLS 1.2 and later, no renegotiation, no session cache, ECDSA or RSA keys.
#pragma once

#include <memory>
#include <string>

#include "protocol/base/result.h"

struct ssl_ctx_st;

namespace reprise::loop {

class TlsContext {
 public:
  static base::Result<std::unique_ptr<TlsContext>> Load(const std::string& certificate_file,
                                                        const std::string& key_file);
  virtual ~TlsContext() = default;
  virtual base::Status Reload() = 0;

  // For the other files of this module only.
  virtual std::shared_ptr<ssl_ctx_st> Current() const = 0;
};

// Writes a self-signed ECDSA P-256 certificate for localhost, 127.0.0.1 and ::1, and its key with
// mode 0600; for `make run` and tests.
base::Status MakeSelfSigned(const std::string& certificate_file, const std::string& key_file);

}  // namespace reprise::loop
