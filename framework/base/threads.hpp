#pragma once

namespace xl {

/// How many threads a call may use, the calling one included. From the start it is the number of cores.
/// The results do not depend on it, to the last bit. Waits for what runs on the threads there are. Throws ValueError for
/// less than 1 or more than 1024, and within a loss, a layer or another function that the library calls on its threads.
///
/// The child of a fork has threads of its own, also if others ran in the parent; what is in the middle of a loss or a layer
/// when it forks there cannot go on in the child.
void set_num_threads(int threads);
int num_threads();

}  // namespace xl
