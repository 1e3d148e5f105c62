# Writes sleepstudy_brms.json and dyestuff_brms.json: the data sets of the R package lme4 (sources as in sleepstudy.R and dyestuff.R) as
# the lists that brms' make_standata gives for Reaction ~ Days + (Days | Subject) and Yield ~ 1 + (1 | Batch). Needs lme4, not brms.
#   Rscript brms.R
suppressPackageStartupMessages(library(lme4))
json <- function(x) {
  if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, json), collapse = ", "), "]"))
  x <- vapply(x, function(v) format(v, digits = 15, trim = TRUE), "")
  if (length(x) == 1) x else paste0("[", paste(x, collapse = ", "), "]")
}
write <- function(file, list) {
  lines <- vapply(names(list), function(name) paste0("\"", name, "\": ", json(list[[name]])), "")
  writeLines(paste0("{\n  ", paste(lines, collapse = ",\n  "), "\n}"), file)
}
d <- sleepstudy
n <- nrow(d)
write("sleepstudy_brms.json", list(N = n, Y = d$Reaction, K = 2, Kc = 1, X = cbind(1, d$Days), Z_1_1 = rep(1, n), Z_1_2 = d$Days,
  J_1 = as.integer(d$Subject), N_1 = nlevels(d$Subject), M_1 = 2, NC_1 = 1, prior_only = 0))
d <- Dyestuff
n <- nrow(d)
write("dyestuff_brms.json", list(N = n, Y = d$Yield, Z_1_1 = rep(1, n), J_1 = as.integer(d$Batch), N_1 = nlevels(d$Batch), M_1 = 1,
  prior_only = 0))
