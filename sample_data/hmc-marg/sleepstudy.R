# Writes sleepstudy.json from the data set of the R package lme4 (Belenky et al. 2003, Journal of Sleep Research 12, 1-12).
#   Rscript sleepstudy.R > sleepstudy.json
suppressPackageStartupMessages(library(lme4))
d <- sleepstudy
list_of <- function(x) paste0("[", paste(format(x, digits = 17, trim = TRUE), collapse = ", "), "]")
cat("{\n  \"N\": ", nrow(d), ",\n  \"J\": ", nlevels(d$Subject), ",\n  \"subject\": ", list_of(as.integer(d$Subject)),
    ",\n  \"days\": ", list_of(d$Days), ",\n  \"reaction\": [", paste(sapply(d$Reaction, function(x) format(x, digits = 15)), collapse = ", "), "]\n}\n", sep = "")
