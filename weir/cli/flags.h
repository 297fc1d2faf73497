#pragma once

// Flags whose values are numbers, read by our own rules: nothing is rounded, cut or saturated on
// the way, and what cannot be read is told in a sentence.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
class ParseError;
}  // namespace CLI

namespace weir::cli {

// `field` must outlive the parsing. Values of the wrong kind are usage errors; whether a number of
// the right kind makes sense is for others to say.
void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::int64_t>& field,
                const std::string& help);
void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::uint64_t>& field,
                const std::string& help);
void NumberFlag(CLI::App& command, const std::string& names, std::optional<double>& field,
                const std::string& help);

// `option` takes one of these words only; others are usage errors that name the nearest.
void OneOf(CLI::Option& option, std::vector<std::string> words);

// That `app` has no command `word`, with the nearest one and all there are.
std::string UnknownCommand(const CLI::App& app, const std::string& word);

// What was wrong with the command line, in a sentence with the nearest right word. `app` is the
// program after the parsing that ended in `error`.
std::string UsageSentence(const CLI::App& app, const CLI::ParseError& error);

// The first flag that was given an empty value, as a variable that is not set gives it. An empty
// value never means "not given".
std::optional<std::string> EmptyFlag(const CLI::App& app);

}  // namespace weir::cli
