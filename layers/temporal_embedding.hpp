#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Embeds the calendar: month, day, weekday, hour and minute of a step are each looked up in a table, and the rows are
/// added up.
///
///   input    (batch, steps, columns), int32, or float32 that holds whole numbers: month 0-12, day 0-31, weekday 0-6,
///            hour 0-23, minute 0-59, second 0-59, in this order; as many columns as freq asks for, or more
///   output   (batch, steps, d_model)
///   weights  the tables, (rows, d_model) each, in the order second, minute (minute_size rows), hour (24), weekday (7),
///            day (32), month (13), as far as freq asks for them; trained if embed_type is "learned"
///   throws   ShapeError for fewer columns; ValueError for a number that is not in its table, for d_model or minute_size
///            below 1, and an unknown embed_type, freq or layout
///
///     freq             what is embedded          columns
///     "m", "w"         month                     1
///     "d", "b"         and day, weekday          3
///     "h"              and hour                  4
///     "t"              and minute                5
///     "s"              and second                6
///
/// Fixed tables hold sinusoids, as FixedEmbedding has them. They are weights that are not trained: they are counted and
/// saved, and what a file has in their place counts.
///
/// Zhou et al. (2021), "Informer". As kerasfactory.layers.TemporalEmbedding, which knows the freq "h" and "t", has
/// layout = "halves", and a minute_size of 4: quarters of an hour.
struct TemporalEmbeddingOptions {
  static constexpr auto class_name = "TemporalEmbedding";
  /// What KerasFactory\'s layer does where its config does not say.
  static Config kerasfactory() { return {{"layout", "halves"}, {"minute_size", 4}}; }

  int d_model = 0;                     ///< width of the embedding; has to be given
  std::string embed_type = "fixed";    ///< "fixed": sinusoids; "learned": trained
  std::string freq = "h";              ///< how far apart the steps are
  int minute_size = 60;                ///< rows of the table of minutes
  std::string layout = "interleaved";  ///< of the sinusoids: see FixedEmbedding
  std::string name = {};
  bool trainable = true;
};
using TemporalEmbedding = LayerOf<TemporalEmbeddingOptions>;
extern template class LayerOf<TemporalEmbeddingOptions>;

}  // namespace xl
