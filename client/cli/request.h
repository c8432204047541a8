// Request: words become a method and its parameters, by the command's row.
//
// The rule, which --help repeats: a `key` or `text` argument is the word as it stands; an `integer`
// or `milliseconds` is a number; a `value` is JSON when it reads as an object, array, number, true,
// false, null or "string", and text otherwise (a word in quotes is always text); `texts` is a JSON
// array or words with commas between. After the required arguments a word name=value is an option
// of the command, and a JSON object is a map of options. Without a row (a command that this program
// does not know) each word is taken as a `value`.
//
// Threads: any. Errors: kBadRequest with the argument line, kTooLarge for JSON that cannot be sent
// unchanged (wire::FromJson); nothing is sent. Complexity: O(bytes).
#pragma once

#include <string>
#include <vector>

#include "client/cli/rows.h"
#include "client/cli/words.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

struct RequestLine {
  std::string method;
  base::Value::Array params;
};

// `words` begin with the command, which may be two words ("config get" is CONFIG.GET). With
// `json_args` every further word is JSON and is sent as it is.
base::Result<RequestLine> MakeRequest(const std::vector<Word>& words, const Rows& rows,
                                      bool json_args);

// The value that a word stands for where any value is allowed.
base::Result<base::Value> ValueOfWord(const Word& word);

}  // namespace reprise::client
