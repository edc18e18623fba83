// The rows behind keys.hpp: each key together with the code that reads and writes its value. Within config/
// only.
#pragma once

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace healthgate::config {

using Problem = std::optional<std::string>; // a sentence

// T is what the section becomes: Config, GateConfig, ProbeConfig.
template <typename T> struct Row {
  Key key;
  std::vector<Scheme> schemes;                             // of the probes that know this key; empty: all
  std::function<Problem(std::string_view, T&)> read;       // on a problem T is as before
  std::function<std::vector<std::string>(const T&)> write; // a text for each line; none when it is not set
  std::function<void(T&)> clear;                           // back to the default
};

[[nodiscard]] const std::vector<Row<Config>>& global_rows();
[[nodiscard]] const std::vector<Row<GateConfig>>& gate_rows();
[[nodiscard]] const std::vector<Row<ProbeConfig>>& probe_rows();

// Null when there is none of that name.
template <typename T> const Row<T>* find_row(const std::vector<Row<T>>& rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row<T>& row) { return row.key.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

// Builds rows of one scope. Defaults come from T itself, so that no table can contradict config.hpp.
template <typename T> class RowMaker {
public:
  explicit RowMaker(Scope scope) : scope_(scope) {}

  // A value that `parse` (text -> Read<value>) reads and `format` (value -> text, "" when not set) writes.
  template <typename M, typename Parse, typename Format>
  Row<T> single(std::string name, std::string kind, std::string allowed, M T::*member, Effect effect,
                std::string help, Parse parse, Format format) const {
    Row<T> row;
    row.key = {std::move(name),     scope_,          false, std::move(kind), std::move(allowed),
               format(T{}.*member), std::move(help), effect};
    row.read = [parse, member](std::string_view text, T& value) -> Problem {
      auto read = parse(text);
      if (!read) {
        return read.error();
      }
      value.*member = std::move(read).value();
      return std::nullopt;
    };
    row.write = [format, member](const T& value) {
      std::string text = format(value.*member);
      return text.empty() ? std::vector<std::string>() : std::vector{std::move(text)};
    };
    row.clear = [member](T& value) { value.*member = T{}.*member; };
    return row;
  }

  // Lines that add up: `parse` reads one element; `commas` says that a line may hold several.
  template <typename E, typename Parse, typename Format>
  Row<T> multi(std::string name, std::string kind, std::string allowed, std::vector<E> T::*member,
               Effect effect, std::string help, bool commas, Parse parse, Format format) const {
    Row<T> row;
    row.key = {std::move(name), scope_, true, std::move(kind), std::move(allowed), "",
               std::move(help), effect};
    row.read = [parse, member, commas](std::string_view text, T& value) -> Problem {
      std::vector<E> elements;
      for (const std::string_view part : commas ? split_list(text) : std::vector{text}) {
        auto read = parse(part);
        if (!read) {
          return read.error();
        }
        elements.push_back(std::move(read).value());
      }
      (value.*member).insert((value.*member).end(), elements.begin(), elements.end());
      return std::nullopt;
    };
    row.write = [format, member](const T& value) {
      std::vector<std::string> lines;
      std::transform((value.*member).begin(), (value.*member).end(), std::back_inserter(lines), format);
      return lines;
    };
    row.clear = [member](T& value) { (value.*member).clear(); };
    return row;
  }

  // M is milliseconds or an optional of it.
  template <typename M>
  Row<T> duration(std::string name, M T::*member, milliseconds least, milliseconds most, Effect effect,
                  std::string help) const {
    const std::string allowed = format_duration(least) + " to " + format_duration(most);
    const auto parse = [=](std::string_view text) -> Read<M> {
      const auto read = parse_duration(text);
      if (!read) {
        return base::Failure{read.error()};
      }
      if (read.value() < least || read.value() > most) {
        return base::Failure{"allowed: " + allowed};
      }
      return M(read.value());
    };
    const auto format = [](const M& value) {
      if constexpr (std::is_same_v<M, milliseconds>) {
        return format_duration(value);
      } else {
        return value ? format_duration(*value) : std::string();
      }
    };
    return single(std::move(name), "duration", allowed, member, effect, std::move(help), parse, format);
  }

  // M is int or an optional of it.
  template <typename M>
  Row<T> integer(std::string name, M T::*member, int least, int most, Effect effect, std::string help) const {
    const auto parse = [=](std::string_view text) -> Read<M> {
      const auto read = parse_integer(text, least, most);
      if (!read) {
        return base::Failure{"allowed: " + read.error()};
      }
      return M(read.value());
    };
    const auto format = [](const M& value) {
      if constexpr (std::is_same_v<M, int>) {
        return std::to_string(value);
      } else {
        return value ? std::to_string(*value) : std::string();
      }
    };
    return single(std::move(name), "number", std::to_string(least) + " to " + std::to_string(most), member,
                  effect, std::move(help), parse, format);
  }

  // One of a few words. M is an enum or an optional of it.
  template <typename E, typename M>
  Row<T> choice(std::string name, M T::*member, std::vector<std::pair<std::string, E>> words, Effect effect,
                std::string help) const {
    std::vector<std::string> names;
    std::transform(words.begin(), words.end(), std::back_inserter(names),
                   [](const auto& word) { return word.first; });
    const auto parse = [=](std::string_view text) -> Read<M> {
      for (const auto& [word, meaning] : words) {
        if (word == text) {
          return M(meaning);
        }
      }
      const std::string match = near_match(text, names);
      return base::Failure{"allowed: " + join(names, " or ") +
                           (match.empty() ? "" : "; did you mean '" + match + "'?")};
    };
    const auto format = [=](const M& value) {
      for (const auto& [word, meaning] : words) {
        if (value == meaning) {
          return word;
        }
      }
      return std::string();
    };
    return single(std::move(name), "word", join(names, " or "), member, effect, std::move(help), parse,
                  format);
  }

  Row<T> yes_no(std::string name, bool T::*member, Effect effect, std::string help) const {
    return single(std::move(name), "yes or no", "", member, effect, std::move(help), parse_yes_no,
                  [](bool value) { return std::string(value ? "yes" : "no"); });
  }

  Row<T> path(std::string name, std::filesystem::path T::*member, Effect effect, std::string help) const {
    return single(std::move(name), "path", "", member, effect, std::move(help), parse_absolute_path,
                  [](const std::filesystem::path& value) { return value.string(); });
  }

  // Text as it stands, with a reader that may refuse it.
  template <typename Parse>
  Row<T> text(std::string name, std::string kind, std::string T::*member, Effect effect, std::string help,
              Parse parse) const {
    return single(std::move(name), std::move(kind), "", member, effect, std::move(help), parse,
                  [](const std::string& value) { return value; });
  }

  Row<T> listen(std::string name, std::optional<HostPort> T::*member, std::string help) const {
    return single(std::move(name), "address:port or off", "", member, Effect::listen, std::move(help),
                  parse_listen, format_listen);
  }

  Row<T> networks(std::string name, std::vector<core::Cidr> T::*member, std::string help) const {
    return multi(std::move(name), "networks", "addresses or CIDRs, separated by commas", member,
                 Effect::allowlist, std::move(help), true, core::Cidr::parse,
                 [](const core::Cidr& cidr) { return cidr.to_string(); });
  }

private:
  Scope scope_;
};

} // namespace healthgate::config
