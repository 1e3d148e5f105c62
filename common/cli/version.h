// Which build this is.
#pragma once

namespace tenfold::cli {

const char* version();           // "0.1.0"
const char* git_revision();      // "1a2b3c4d5e6f", with "-dirty" when the tree was changed; "unknown" outside a checkout
const char* libtorch_version();  // the LibTorch that the torch parts are built against, or "none"

// Equal in a program and a module exactly when both come from one build: version, git, compiler and build type.
const char* build_id();

}  // namespace tenfold::cli
