// `gnnbench worker FOLDER`: one of the workers that launch_workers() starts under mpirun. Not for people.
#pragma once

namespace tenfold::gnnbench {

// The whole of main() for it. Returns the exit code: 0 also after an interruption, which the launcher reads from the folder.
int worker_main(int argc, char** argv);

}  // namespace tenfold::gnnbench
