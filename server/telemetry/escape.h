// Escape: text from outside in a form that a log line can hold.
//
// A name, a peer or an error may hold anything. Here no byte can begin a new line, drive a terminal
// (C0 and C1 controls), turn the direction of the text around it or break a JSON parser. Units:
// bytes. Errors: none; bytes that are not UTF-8 are written as escapes. Threads: any. Complexity:
// O(bytes).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise::telemetry {

// As it stands when it is a plain word, else in double quotes with backslash escapes (\n, \x1b,
// \u{202e}).
void AppendTextValue(std::string_view value, std::string& out);

// Whether it is UTF-8 that acts on nobody's terminal: none of the code points escaped here.
bool IsReadable(std::string_view value);

// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string_view value, std::string& out);

// The longest prefix of at most `bytes` that does not cut a code point in two.
std::string_view CutAt(std::string_view value, std::size_t bytes);

}  // namespace reprise::telemetry
