#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/models/console/logs.hpp"

namespace xl {

/// Shows how far an epoch is, how long it takes, and the loss and the metrics, as Keras' progress
/// bar:
///
///     Epoch 3/10
///     12/12 ━━━━━━━━━━━━━━━━━━━━ 0s 2ms/step - loss: 0.1234 - val_loss: 0.2345
///
/// On a terminal the line is redrawn in place, with colours, at most once in `interval` seconds.
/// Elsewhere only the finished line is written, without escape codes. As keras.utils.Progbar with
/// stateful metrics.
class ProgressBar {
 public:
  struct Options {
    int verbose = 1;                     ///< 0: nothing; 1: the bar; 2: one line at the end, without a bar
    int width = 20;                      ///< of the bar, in characters
    double interval = 0.05;              ///< seconds between two drawings
    std::string unit = "step";           ///< what is counted
    std::optional<bool> terminal = {};   ///< whether `out` is one; unset: find out
    std::function<double()> clock = {};  ///< gives seconds; unset: the steady clock
  };

  /// Writes to `out`, which must live as long as the bar.
  explicit ProgressBar(std::ostream& out);
  ProgressBar(std::ostream& out, const Options& options);

  /// Starts the clock for `target` steps; 0: their number is not known yet.
  void begin(std::int64_t target);
  /// The same, and writes the line "Epoch 3/10" if there are several epochs. `epoch` counts from 0.
  void begin_epoch(int epoch, int epochs, std::int64_t target);
  /// `current` steps are done. Call it after every step, whatever `verbose` is: it decides when to
  /// draw, and allocates nothing once it knows the names.
  void update(std::int64_t current, const Logs& logs);
  /// All steps are done: writes the final line with the values of `logs`.
  void finish(const Logs& logs);

 private:
  struct Entry {
    std::string name;
    double value;
    bool shown;
  };

  void remember(const Logs& logs);
  void assign(const std::string& name, double value);
  double seconds_per_step(double now);
  void draw_bar(double now, double step, bool final);
  void draw_line(double now, double step);
  void append_time(double seconds, bool left);
  void append_step_time(double step);
  void append_values();
  [[gnu::format(printf, 2, 3)]] void append(const char* format, ...);
  void flush();

  std::ostream& out_;
  Options options_;
  bool terminal_;
  std::string text_;            // what the next write puts out
  std::vector<Entry> entries_;  // in the order in which they are shown
  std::int64_t target_ = 0;
  std::int64_t current_ = 0;
  double start_ = 0;
  std::optional<double> first_step_;  // when step 1 was done
  std::optional<double> last_draw_;
  std::size_t last_width_ = 0;  // of the line on the screen
};

}  // namespace xl
