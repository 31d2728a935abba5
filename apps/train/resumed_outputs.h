// A checkpoint may come from a stranger: which files a resumed run may write because the checkpoint names them.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/apps/train/run_description.h>

#include <string>

namespace tare {

/// UsageError if the checkpoint, `file`, names an output that is outside of the current folder, or is there and nothing
/// that such a run writes. What `given` has, the options of the command line, is the user's own will.
void check_resumed_outputs(const TrainOptions& resumed, const TrainOptions& given, const RunDescription& run,
                           const std::string& file);

/// "--save model, --log log.csv": all that the run writes, to be said before anything is opened.
std::string outputs_text(const TrainOptions& options);

/// " --log /elsewhere/log.csv ...": what the command line of `tare train --resume` must therefore repeat.
std::string outputs_to_repeat(const TrainOptions& options);

}  // namespace tare
