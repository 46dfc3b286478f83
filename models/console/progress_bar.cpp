#include "xlayers/models/console/progress_bar.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <ostream>

#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/models/console/terminal.hpp"

namespace xl {
namespace {

constexpr char bold[] = "\x1b[1m", green[] = "\x1b[32m", grey[] = "\x1b[37m", plain[] = "\x1b[0m";
constexpr char block[] = "━";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The characters of a UTF-8 text that take room on the screen; escape codes do not.
std::size_t visible_width(const std::string& text, std::size_t from) {
  std::size_t width = 0;
  bool escape = false;
  for (std::size_t i = from; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0x1b) escape = true;
    if (!escape && (byte & 0xc0) != 0x80) ++width;
    if (escape && byte == 'm') escape = false;
  }
  return width;
}

}  // namespace

ProgressBar::ProgressBar(std::ostream& out) : ProgressBar(out, Options()) {}

ProgressBar::ProgressBar(std::ostream& out, const Options& options)
    : out_(out), options_(options), terminal_(options.terminal.value_or(is_terminal(out))) {
  if (!options_.clock) options_.clock = steady_seconds;
  text_.reserve(1024);
}

void ProgressBar::begin(std::int64_t target) {
  target_ = target;
  current_ = 0;
  start_ = options_.clock();
  first_step_.reset();
  last_draw_.reset();
  last_width_ = 0;
  for (Entry& entry : entries_) entry.shown = false;
}

void ProgressBar::begin_epoch(int epoch, int epochs, std::int64_t target) {
  begin(target);
  if (options_.verbose == 0 || epochs <= 1) return;
  append("Epoch %d/%d\n", epoch + 1, epochs);
  flush();
}

void ProgressBar::update(std::int64_t current, const Logs& logs) {
  if (options_.verbose == 0) return;
  remember(logs);
  current_ = current;
  if (options_.verbose == 2) return;
  const double now = options_.clock();
  const double step = seconds_per_step(now);
  const bool due = !last_draw_ || now - *last_draw_ >= options_.interval;
  if (terminal_ && due) draw_bar(now, step, false);
}

void ProgressBar::finish(const Logs& logs) {
  if (options_.verbose == 0) return;
  remember(logs);
  if (target_ <= 0) target_ = current_;
  current_ = target_;
  const double now = options_.clock();
  const double step = seconds_per_step(now);
  if (options_.verbose == 1) {
    draw_bar(now, step, true);
  } else if (target_ > 0) {
    draw_line(now, step);
  }
}

/// Keeps the values under the names in the order in which they came first: the loss and the
/// metrics, from the first batch on; at the end of the epoch those of the validation; then what
/// callbacks add.
void ProgressBar::remember(const Logs& logs) {
  const bool first = std::none_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.shown; });
  for (const bool validation : {!first, first}) {
    for (const auto& [name, value] : logs) {
      if ((name.rfind("val_", 0) == 0) == validation) assign(name, value);
    }
  }
}

void ProgressBar::assign(const std::string& name, double value) {
  for (Entry& entry : entries_) {
    if (entry.name != name) continue;
    entry.value = value;
    entry.shown = true;
    return;
  }
  entries_.push_back({name, value, true});
}

/// The mean without the first step, which is not typical, once there are more; of all steps for
/// verbose 2, as Keras computes it.
double ProgressBar::seconds_per_step(double now) {
  if (current_ == 0) return 0;
  const double mean = first_step_ && current_ > 1 ? (now - *first_step_) / static_cast<double>(current_ - 1)
                                                  : (now - start_) / static_cast<double>(current_);
  if (current_ == 1) first_step_ = now;
  return mean;
}

// On a terminal: back to the start of the line, "cur/total bar eta step-time - name: value", and
// spaces over what is left of a longer line.
void ProgressBar::draw_bar(double now, double step, bool final) {
  const auto code = [this](const char* escape) {
    if (terminal_) text_ += escape;
  };
  const auto blocks = [this](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) text_ += block;
  };
  if (terminal_) text_.append(last_width_, '\b').append("\r");
  const std::size_t line = text_.size();

  if (target_ > 0) {
    const auto digits = static_cast<int>(std::log10(static_cast<double>(target_))) + 1;
    const double part = static_cast<double>(current_) / static_cast<double>(target_);
    const auto done = static_cast<std::int64_t>(options_.width * part);
    code(bold);
    append("%*lld/%lld", digits, static_cast<long long>(current_), static_cast<long long>(target_));
    code(plain);
    text_ += ' ';
    if (done > 0) {
      code(green);
      blocks(done);
      code(plain);
    }
    code(grey);
    blocks(options_.width - done);
    code(plain);
  } else {
    append("%7lld/Unknown", static_cast<long long>(current_));
  }

  text_ += ' ';
  code(bold);
  append_time(target_ > 0 && !final ? step * static_cast<double>(target_ - current_) : now - start_,
              target_ > 0 && !final);
  code(plain);
  append_step_time(step);
  append_values();

  const std::size_t width = visible_width(text_, line);
  if (terminal_ && last_width_ > width) text_.append(last_width_ - width, ' ');
  if (final) text_ += '\n';
  flush();
  last_width_ = width;
  last_draw_ = now;
}

void ProgressBar::draw_line(double now, double step) {
  append("%lld/%lld - ", static_cast<long long>(current_), static_cast<long long>(target_));
  text_.append(fixed_text(now - start_, 0)).append("s -");
  append_step_time(step);
  append_values();
  text_ += '\n';
  flush();
}

/// Time that is left, cut to whole seconds, or time that went by, rounded to them.
void ProgressBar::append_time(double seconds, bool left) {
  const auto whole = static_cast<long long>(seconds);
  if (!left) {
    text_.append(fixed_text(seconds, 0)).append("s");
  } else if (seconds > 3600) {
    append("%lld:%02lld:%02lld", whole / 3600, whole % 3600 / 60, whole % 60);
  } else if (seconds > 60) {
    append("%lld:%02lld", whole / 60, whole % 60);
  } else {
    append("%llds", whole);
  }
}

void ProgressBar::append_step_time(double step) {
  text_ += ' ';
  if (step >= 1 || step == 0) {
    text_.append(fixed_text(step, 0)).append("s/");
  } else if (step >= 1e-3) {
    text_.append(fixed_text(step * 1e3, 0)).append("ms/");
  } else {
    text_.append(fixed_text(step * 1e6, 0)).append("us/");
  }
  text_ += options_.unit;
}

void ProgressBar::append_values() {
  for (const Entry& entry : entries_) {
    if (!entry.shown) continue;
    text_.append(" - ").append(entry.name).append(":");
    // The line of verbose 2 writes negative numbers with an exponent, as Keras does.
    const double size = options_.verbose == 1 ? std::abs(entry.value) : entry.value;
    if (std::isnan(entry.value)) {
      text_ += " nan";
    } else {
      text_.append(" ").append(size > 1e-3 ? fixed_text(entry.value, 4) : scientific_text(entry.value, 4));
    }
  }
}

void ProgressBar::append(const char* format, ...) {
  char buffer[400];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (length > 0) text_.append(buffer, std::min<std::size_t>(length, sizeof buffer - 1));
}

void ProgressBar::flush() {
  out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
  out_.flush();
  text_.clear();
}

}  // namespace xl
