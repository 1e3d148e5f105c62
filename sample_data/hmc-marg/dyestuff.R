# Writes dyestuff.json from the data set Dyestuff of the R package lme4 (Davies and Goldsmith 1972, Statistical Methods in Research and
# Production, 4th ed.; the package is GPL >= 2, the numbers are the book's): yields of dyestuff from six batches, five preparations each.
#   Rscript dyestuff.R > dyestuff.json
suppressPackageStartupMessages(library(lme4))
d <- Dyestuff
list_of <- function(x) paste0("[", paste(format(x, digits = 15, trim = TRUE), collapse = ", "), "]")
cat(sprintf('{"N": %d, "J": %d,\n"batch": %s,\n"yield": %s}\n', nrow(d), nlevels(d$Batch), list_of(as.integer(d$Batch)), list_of(d$Yield)))
