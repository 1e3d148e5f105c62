# Data of the mixed models whose REML the tests compare: Pastes and cake from the R package lme4, Machines from nlme, sleepstudy with one
# group's correlated intercept and slope from lme4. Run in this folder: Rscript mixed_models.R
suppressMessages({library(lme4); library(nlme)})

numbers <- function(x) paste(format(x, digits = 15, trim = TRUE), collapse = ", ")
integers <- function(x) paste(as.integer(x), collapse = ", ")
matrix_rows <- function(x) paste0("[", paste(apply(x, 1, function(row) paste0("[", numbers(row), "]")), collapse = ", "), "]")
write <- function(file, ...) cat("{\n  ", paste(..., sep = ",\n  "), "\n}\n", sep = "", file = file)
entry <- function(name, value) paste0('"', name, '": ', value)

sample <- with(Pastes, interaction(batch, cask, drop = TRUE))
write("pastes.json", entry("N", nrow(Pastes)), entry("J", nlevels(Pastes$batch)), entry("K", nlevels(sample)),
      entry("batch", paste0("[", integers(Pastes$batch), "]")), entry("sample", paste0("[", integers(sample), "]")),
      entry("strength", paste0("[", numbers(Pastes$strength), "]")))

# An ordered factor has polynomial contrasts.
x <- model.matrix(~ recipe * temperature, cake)
group <- with(cake, interaction(recipe, replicate, drop = TRUE))
write("cake.json", entry("N", nrow(cake)), entry("P", ncol(x)), entry("J", nlevels(group)), entry("X", matrix_rows(unname(x))),
      entry("group", paste0("[", integers(group), "]")), entry("angle", paste0("[", numbers(cake$angle), "]")))

machines <- as.data.frame(nlme::Machines)
machines$Machine <- factor(machines$Machine, ordered = FALSE)
contrasts(machines$Machine) <- contr.treatment(3)
x <- model.matrix(~ Machine, machines)
worker <- factor(as.character(machines$Worker))
write("machines.json", entry("N", nrow(machines)), entry("P", ncol(x)), entry("J", nlevels(worker)), entry("X", matrix_rows(unname(x))),
      entry("worker", paste0("[", integers(worker), "]")), entry("score", paste0("[", numbers(machines$score), "]")))

# The estimates, and the lower triangle of the workers' Cholesky factor of correlations, for the test's points.
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6))
m <- lmer(score ~ Machine + (Machine | Worker), machines, control = control)
theta <- matrix(0, 3, 3)
theta[lower.tri(theta, diag = TRUE)] <- getME(m, "theta")
covariance <- sigma(m)^2 * theta %*% t(theta)
sd <- sqrt(diag(covariance))
cat("Machines", format(as.numeric(logLik(m)), digits = 15), "sd", format(sd, digits = 15), "sigma", format(sigma(m), digits = 15), "\ncorrelations\n")
print(cov2cor(covariance), digits = 15)
for (f in list(lmer(strength ~ 1 + (1 | batch) + (1 | sample), Pastes, control = control),
               lmer(angle ~ recipe * temperature + (1 | recipe:replicate), cake, control = control)))
  cat(format(as.numeric(logLik(f)), digits = 15), format(c(as.data.frame(VarCorr(f))$sdcor), digits = 15), "\n")
