#pragma once

#include <string>
#include <vector>

#include "xlayers/models/model/model_base.hpp"

// Internal: where Keras keeps the variables of a model in a .weights.h5 file.
//
//     layers/dense/vars/0                                        in a container: the class in snake case, and _1, _2, ...
//     layers/transformer_encoder/_self_attention_layer/query_dense/vars/1     below: the attributes of Python's classes
//
// As keras/src/saving/saving_lib.py goes through a model.

namespace xl {

struct KerasPaths {
  struct Variable {
    std::string path;
    Weight* weight = nullptr;
  };
  struct Group {
    std::string path;  ///< "layers/dense/vars", also of a layer without variables
    std::string name;  ///< of the layer
  };
  std::vector<Variable> variables;  ///< in the order in which they are met
  std::vector<Group> groups;
};

KerasPaths keras_paths(const ModelBase& model);

/// "MultiHeadAttention" as "multi_head_attention", "Conv1D" as "conv1d", "ReLU" as "re_lu".
std::string snake_case(const std::string& class_name);

}  // namespace xl
