#pragma once

namespace xl {

/// How many threads a call may use, the calling one included. From the start it is the number of cores.
/// The results do not depend on it, to the last bit. Throws ValueError for less than 1 or more than 1024.
void set_num_threads(int threads);
int num_threads();

}  // namespace xl
