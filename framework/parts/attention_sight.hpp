#pragma once

#include "xlayers/framework/parts/attention.hpp"
#include "xlayers/framework/parts/attention_part.hpp"

namespace xl::attention {

/// What the queries of a sample see, by the options and by the masks: the attention mask, the query's, the value's and the
/// key's, all of which must be 1.
class Sight {
 public:
  Sight(const AttentionCore& options, const ForwardCall& call);

  /// The part that has these queries and the keys of [first, end) that they may see: none if no key is left. What a part
  /// sees is written to `buffer`, block_floats, where not all of it is.
  Part part(const Sizes& size, std::int64_t sample, std::int64_t head, std::int64_t t, std::int64_t rows,
            std::int64_t first, std::int64_t end, float* buffer) const;

 private:
  void look(Part& part, float* buffer) const;
  void write_row(const Part& part, std::int64_t i, float* row) const;

  const AttentionCore& options_;
  const Block *query_ = nullptr, *key_ = nullptr, *value_ = nullptr, *pairs_ = nullptr;
};

}  // namespace xl::attention
