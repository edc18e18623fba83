#include "app/logging.hpp"

#include "base/log.hpp"
#include "base/utc_time.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION // it would be this file's, whoever logs
#include <systemd/sd-journal.h>

#include <cctype>
#include <csignal>
#include <mutex>
#include <thread>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr std::size_t queue_lines = 8192;
constexpr char field_separator = '\x1e'; // joins journald fields on their way through spdlog's queue

const char* name_of(log::Level level) {
  switch (level) {
  case log::Level::debug:
    return "debug";
  case log::Level::info:
    return "info";
  case log::Level::warning:
    return "warning";
  case log::Level::error:
    return "error";
  }
  return "";
}

log::Level to_facade(config::LogLevel level) {
  switch (level) {
  case config::LogLevel::debug:
    return log::Level::debug;
  case config::LogLevel::info:
    return log::Level::info;
  case config::LogLevel::warning:
    return log::Level::warning;
  case config::LogLevel::error:
    return log::Level::error;
  }
  return log::Level::info;
}

bool needs_quotes(const std::string& value) {
  return value.empty() || value.find_first_of(" \"=\n") != std::string::npos;
}

// Services choose part of what is logged: no control character reaches a terminal.
std::string printable(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) {
      c = '?';
    }
  }
  return out;
}

std::string as_text(const log::Record& record) {
  std::string line = base::utc_milliseconds(std::chrono::system_clock::now()) + " " + name_of(record.level) +
                     ": " + printable(record.message);
  for (const auto& field : record.fields) {
    const auto value = printable(field.value);
    line.append(" ").append(field.name).append("=");
    line += needs_quotes(value)
                ? nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                : value;
  }
  return line;
}

std::string as_json(const log::Record& record) {
  nlohmann::ordered_json line = {{"time", base::utc_milliseconds(std::chrono::system_clock::now())},
                                 {"level", name_of(record.level)},
                                 {"message", std::string(record.message)}};
  for (const auto& field : record.fields) {
    line[std::string(field.name)] = field.value;
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int syslog_priority(log::Level level) {
  switch (level) {
  case log::Level::debug:
    return 7;
  case log::Level::info:
    return 6;
  case log::Level::warning:
    return 4;
  case log::Level::error:
    return 3;
  }
  return 6;
}

std::string as_journal_fields(const log::Record& record) {
  std::string fields = "MESSAGE=" + printable(record.message);
  fields += field_separator;
  fields += "PRIORITY=" + std::to_string(syslog_priority(record.level));
  fields += field_separator;
  fields += "SYSLOG_IDENTIFIER=healthgate";
  for (const auto& field : record.fields) {
    fields += field_separator;
    fields += "HEALTHGATE_";
    for (const char c : field.name) {
      fields += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    fields += "=" + printable(field.value);
  }
  return fields;
}

// Hands a line's fields to journald; runs on spdlog's thread alone.
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::vector<iovec> fields;
    std::string_view rest(message.payload.data(), message.payload.size());
    while (!rest.empty()) {
      const auto end = std::min(rest.find(field_separator), rest.size());
      fields.push_back({const_cast<char*>(rest.data()), end}); // sd_journal_sendv only reads
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    (void)sd_journal_sendv(fields.data(), static_cast<int>(fields.size())); // nobody is left to tell
  }
  void flush_() override {}
};

} // namespace

void start_logging(config::LogLevel level, config::LogFormat format) {
  spdlog::init_thread_pool(queue_lines, 1);
  spdlog::sink_ptr sink;
  if (format == config::LogFormat::journal) {
    sink = std::make_shared<JournalSink>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  auto logger = std::make_shared<spdlog::async_logger>("healthgate", std::move(sink), spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%v");
  logger->set_error_handler([](const std::string&) {}); // a log that cannot be written concerns nothing else
  logger->set_level(spdlog::level::trace);              // the facade has filtered
  log::install(
      [logger, format](const log::Record& record) {
        switch (format) {
        case config::LogFormat::text:
          logger->info(as_text(record));
          break;
        case config::LogFormat::json:
          logger->info(as_json(record));
          break;
        case config::LogFormat::journal:
          logger->info(as_journal_fields(record));
          break;
        }
      },
      to_facade(level));
}

void set_log_level(config::LogLevel level) {
  log::set_level(to_facade(level));
}

void drain_log(std::chrono::milliseconds limit) {
  const auto pool = spdlog::thread_pool();
  const auto end = std::chrono::steady_clock::now() + limit;
  while (pool && pool->queue_size() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::size_t dropped_log_lines() {
  const auto pool = spdlog::thread_pool();
  return pool ? pool->overrun_counter() : 0;
}

} // namespace healthgate::app
