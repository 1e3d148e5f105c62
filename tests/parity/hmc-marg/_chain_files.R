# For chain_files.py: reads each run's chain files with rstan and compares with the numbers in the text. Argument: lines of name, warm-up rows, files.
suppressPackageStartupMessages(library(rstan))
for (line in readLines(commandArgs(TRUE)[1])) {
  cells <- strsplit(line, "\t")[[1]]
  warmup <- as.integer(cells[2])
  files <- cells[-(1:2)]
  verdict <- tryCatch({
    fit <- suppressWarnings(read_stan_csv(files))
    draws <- as.array(fit)  # [iteration, chain, parameter], warm-up left out
    equal <- TRUE
    for (k in seq_along(files)) {
      plain <- read.csv(files[k], comment.char = "#", check.names = FALSE)
      plain <- plain[seq_len(nrow(plain)) > warmup, , drop = FALSE]
      names <- colnames(plain)[!grepl("__$", colnames(plain)) | colnames(plain) == "lp__"]
      for (name in names) {
        head <- strsplit(name, ".", fixed = TRUE)[[1]]
        rs <- if (length(head) == 1) name else paste0(head[1], "[", paste(head[-1], collapse = ","), "]")
        same <- rs %in% dimnames(draws)[[3]] && nrow(plain) == dim(draws)[1] && all(draws[, k, rs] == plain[[name]])
        if (!isTRUE(same)) { equal <- FALSE; cat(cells[1], "\t", "differs at ", name, "\n", sep = ""); break }
      }
      if (!equal) break
      stats <- get_sampler_params(fit, inc_warmup = FALSE)[[k]]
      if (!all(stats[, "divergent__"] == plain[["divergent__"]])) { equal <- FALSE; cat(cells[1], "\tdiffers at divergent__\n", sep = ""); break }
    }
    if (equal) "equal" else ""
  }, error = function(e) conditionMessage(e))
  if (verdict != "") cat(cells[1], "\t", gsub("[\t\n]", " ", verdict), "\n", sep = "")
}
