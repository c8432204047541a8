// One form for the messages of a chat request, whichever way they were spelled.
//
// A string and one text part with that text are the same; null fields and marks for the provider's
// own prompt cache go; bytes and addresses of images, sounds and files are replaced by their hash;
// arguments of tool calls that are JSON objects become canonical JSON.
//
// Attachments are hashed with SHA-256, not with the faster XXH3: the canonical bytes, which protect
// an entry from collisions, hold the hash and not the attachment, so nobody must be able to make
// two attachments with one hash. Threads: any. Errors: kBadRequest with the path. Complexity:
// O(bytes log keys).
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/cache/chat_request_tree.h"

namespace reprise::cache {

// 32 bytes.
std::string Sha256(std::string_view bytes);

// Removes members that are null, and `cache_control`.
void DropNulls(Node& map);

base::Status ExpectMap(const Node& node, const Path& path);
base::Status ExpectArray(const Node& node, const Path& path);

// The value of `content` of a message, of a tool's result, or of Anthropic's `system`: afterwards
// text, or an array of text (plain parts) and maps (all others).
base::Status NormalizeContent(Node& content, const Path& path);

// A message of Chat Completions or of Anthropic's; `roles` are those that the shape knows, with
// commas between.
base::Status NormalizeMessage(Node& message, std::string_view roles, const Path& path);

// An item of `input` of the Responses shape: a message, or a call, a call's output, reasoning ...
base::Status NormalizeItem(Node& item, std::string_view roles, const Path& path);

// The text of a message's parts, joined by line feeds; each is replaced by a mark. Empty, and
// nothing changed, when there is no text.
std::string TakeText(Node& message);

}  // namespace reprise::cache
