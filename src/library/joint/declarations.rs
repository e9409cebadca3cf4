//! Declarations of the joint families.

macro_rules! declarations {
    ($next:ident $($rest:tt)*) => { $next! { $($rest)*
/// Proportions that sum to 1.
Dirichlet = [
    /// ln Γ(Σ aₖ) - Σ ln Γ(aₖ) + Σ (aₖ - 1) ln xₖ, a = concentration
    Dirichlet(
        /// the concentration; 1 is uniform, more is closer to the mean aₖ / Σ aₖ
        concentration: Shape::PerElement, Each(Positive)
    ) on 1, Simplex;
    log_density(_extent, x) { counts::dirichlet(x, concentration) }
    draw(extent, rng) { sample::dirichlet(extent.rows, concentration, rng)? }
]

/// The multivariate normal (Gaussian) distribution.
MvNormal = [
    /// -(x - mean)ᵀ cov⁻¹ (x - mean) / 2 - ln det(cov) / 2 - K ln √(2π)
    MvNormalCovariance(
        /// the mean
        mean: Shape::PerElement, Each(Real);
        /// the covariance matrix
        cov: Shape::MatrixOf(0), Covariance
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::normal(normal::by_covariance(x, mean, cov)) }
    draw(extent, rng) { sample::normal(mean, &matrix::cholesky(extent.rows, cov), rng) }

    /// MvNormal(mean, cov) with cov = chol cholᵀ
    MvNormalCholesky(
        /// the mean
        mean: Shape::PerElement, Each(Real);
        /// the Cholesky factor of the covariance matrix
        chol: Shape::MatrixOf(0), CholeskyFactor
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::normal(normal::by_cholesky(x, mean, chol)) }
    draw(_extent, rng) { sample::normal(mean, chol, rng) }

    /// MvNormal(mean, cov) with cov = precision⁻¹
    MvNormalPrecision(
        /// the mean
        mean: Shape::PerElement, Each(Real);
        /// the inverse of the covariance matrix
        precision: Shape::MatrixOf(0), Covariance
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::normal(normal::by_precision(x, mean, precision)) }
    draw(extent, rng) { sample::normal_by_precision(extent.rows, mean, precision, rng) }

    /// MvNormal(mean, cov) with covᵢⱼ = sdᵢ corrᵢⱼ sdⱼ
    MvNormalCorrelation(
        /// the mean
        mean: Shape::PerElement, Each(Real);
        /// the standard deviations
        sd: Shape::PerElement, Each(Positive);
        /// the correlation matrix
        corr: Shape::MatrixOf(0), Correlation
    ) on 1, Each(Real);
    log_density(extent, x) {
        let l = matrix::cholesky(extent.rows, corr);
        normal::normal(normal::by_scales(x, mean, sd, &l))
    }
    draw(extent, rng) {
        let l = sample::scaled_rows(&matrix::cholesky(extent.rows, corr), sd);
        sample::normal(mean, &l, rng)
    }

    /// MvNormal(mean, sd, corr) with corr = corr_chol corr_cholᵀ
    MvNormalCorrelationCholesky(
        /// the mean
        mean: Shape::PerElement, Each(Real);
        /// the standard deviations
        sd: Shape::PerElement, Each(Positive);
        /// the Cholesky factor of the correlation matrix
        corr_chol: Shape::MatrixOf(0), CholeskyCorrelation
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::normal(normal::by_scales(x, mean, sd, corr_chol)) }
    draw(_extent, rng) { sample::normal(mean, &sample::scaled_rows(corr_chol, sd), rng) }
]

/// The multivariate Student t distribution: heavy tails that the elements share.
MvStudentT = [
    /// ln Γ((df + K)/2) - ln Γ(df/2) - K/2 ln(π df) - ln det(scale)/2 - (df + K)/2 ln(1 + q/df), q = (x - location)ᵀ scale⁻¹ (x - location)
    MvStudentTScale(
        /// degrees of freedom
        df: Shape::Scalar, Each(Positive);
        /// the median
        location: Shape::PerElement, Each(Real);
        /// the scale matrix; the covariance is scale df / (df - 2)
        scale: Shape::MatrixOf(0), Covariance
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::student_t(df, normal::by_covariance(x, location, scale)) }
    draw(extent, rng) {
        sample::student_t(df, location, &matrix::cholesky(extent.rows, scale), rng)?
    }

    /// MvStudentT(df, location, scale) with scale = chol cholᵀ
    MvStudentTCholesky(
        /// degrees of freedom
        df: Shape::Scalar, Each(Positive);
        /// the median
        location: Shape::PerElement, Each(Real);
        /// the Cholesky factor of the scale matrix
        chol: Shape::MatrixOf(0), CholeskyFactor
    ) on 1, Each(Real);
    log_density(_extent, x) { normal::student_t(df, normal::by_cholesky(x, location, chol)) }
    draw(_extent, rng) { sample::student_t(df, location, chol, rng)? }

    /// MvStudentT(df, location, scale) with scaleᵢⱼ = scalesᵢ corrᵢⱼ scalesⱼ
    MvStudentTCorrelation(
        /// degrees of freedom
        df: Shape::Scalar, Each(Positive);
        /// the median
        location: Shape::PerElement, Each(Real);
        /// the scale of each element, as in StudentT
        scales: Shape::PerElement, Each(Positive);
        /// the correlation matrix
        corr: Shape::MatrixOf(0), Correlation
    ) on 1, Each(Real);
    log_density(extent, x) {
        let l = matrix::cholesky(extent.rows, corr);
        normal::student_t(df, normal::by_scales(x, location, scales, &l))
    }
    draw(extent, rng) {
        let l = sample::scaled_rows(&matrix::cholesky(extent.rows, corr), scales);
        sample::student_t(df, location, &l, rng)?
    }

    /// MvStudentT(df, location, scales, corr) with corr = corr_chol corr_cholᵀ
    MvStudentTCorrelationCholesky(
        /// degrees of freedom
        df: Shape::Scalar, Each(Positive);
        /// the median
        location: Shape::PerElement, Each(Real);
        /// the scale of each element, as in StudentT
        scales: Shape::PerElement, Each(Positive);
        /// the Cholesky factor of the correlation matrix
        corr_chol: Shape::MatrixOf(0), CholeskyCorrelation
    ) on 1, Each(Real);
    log_density(_extent, x) {
        normal::student_t(df, normal::by_scales(x, location, scales, corr_chol))
    }
    draw(_extent, rng) {
        sample::student_t(df, location, &sample::scaled_rows(corr_chol, scales), rng)?
    }
]

/// Correlation matrices, by their Cholesky factor: `L @ transpose(L)` is LKJ(eta).
LKJCholesky = [
    /// C(eta, K) + Σ_k (K - k + 2 eta - 2) ln L_kk, k = 1..K, with the constant of LKJ
    LKJCholesky(
        /// the shape: 1 is uniform over correlation matrices, more prefers small correlations
        eta: Shape::Scalar, Each(Positive)
    ) on 2, CholeskyCorrelation;
    log_density(extent, l) { correlation::lkj_cholesky(extent.rows, l, one(eta)) }
    draw(extent, rng) { sample::lkj_cholesky(extent.rows, one(eta), rng)? }
]

/// Correlation matrices.
LKJ = [
    /// C(eta, K) + (eta - 1) ln det x, C = Σ_{k=1}^{K-1} (ln Γ(eta + (K - 1)/2) - ln Γ(eta + (K - 1 - k)/2) - k/2 ln π)
    LKJ(
        /// the shape: 1 is uniform over correlation matrices, more prefers small correlations
        eta: Shape::Scalar, Each(Positive)
    ) on 2, Correlation;
    log_density(extent, x) { correlation::lkj(extent.rows, x, one(eta)) }
    draw(extent, rng) {
        matrix::squared_lower(extent.rows, &sample::lkj_cholesky(extent.rows, one(eta), rng)?)
    }
]

/// Covariance matrices: the sum of df squares of MvNormal(0, cov = scale) variates.
Wishart = [
    /// ((df - K - 1) ln det x - df ln det(scale) - tr(scale⁻¹ x) - df K ln 2)/2 - ln Γ_K(df/2)
    Wishart(
        /// degrees of freedom, more than K - 1
        df: Shape::Scalar, Each(Positive);
        /// the scale matrix; the mean is df scale
        scale: Shape::MatrixOf(0), Covariance
    ) on 2, Covariance;
    log_density(extent, x) { wishart::wishart(extent.rows, x, one(df), scale) }
    draw(extent, rng) { sample::wishart(extent.rows, one(df), scale, rng)? }
]

/// Covariance matrices: the inverse of a Wishart variate.
InvWishart = [
    /// (df ln det(scale) - (df + K + 1) ln det x - tr(scale x⁻¹) - df K ln 2)/2 - ln Γ_K(df/2)
    InvWishart(
        /// degrees of freedom, more than K - 1
        df: Shape::Scalar, Each(Positive);
        /// the scale matrix; the mean is scale / (df - K - 1)
        scale: Shape::MatrixOf(0), Covariance
    ) on 2, Covariance;
    log_density(extent, x) { wishart::inverse_wishart(extent.rows, x, one(df), scale) }
    draw(extent, rng) { sample::inverse_wishart(extent.rows, one(df), scale, rng)? }
]

/// How often each of K outcomes occurs in n independent trials.
Multinomial = [
    /// ln n! - Σ ln xₖ! + Σ xₖ ln pₖ
    MultinomialTrials(
        /// the number of trials
        n: Shape::Scalar, Each(Count);
        /// the probabilities of the outcomes, which must sum to 1
        p: Shape::PerElement, Simplex
    ) on 1, Counts;
    log_density(_extent, x) { counts::multinomial(one(n), x, p) }
    draw(extent, rng) { sample::multinomial(one(n), &sample::repeated(extent.rows, p), rng)? }

    /// Multinomial(n, p) given n = Σ xₖ; it cannot be drawn from
    MultinomialGivenTotal(
        /// the probabilities of the outcomes, which must sum to 1
        p: Shape::PerElement, Simplex
    ) on 1, Counts;
    log_density(_extent, x) { counts::multinomial(sum(x.iter().copied()), x, p) }
    draw(_extent, _rng) { None? }
]

/// A multinomial whose probabilities are Dirichlet(concentration): counts that vary more.
DirichletMultinomial = [
    /// ln n! + ln Γ(A) - ln Γ(n + A) + Σ (ln Γ(xₖ + aₖ) - ln Γ(aₖ) - ln xₖ!), A = Σ aₖ
    DirichletMultinomialTrials(
        /// the number of trials
        n: Shape::Scalar, Each(Count);
        /// the concentration a of the probabilities
        concentration: Shape::PerElement, Each(Positive)
    ) on 1, Counts;
    log_density(_extent, x) { counts::dirichlet_multinomial(one(n), x, concentration) }
    draw(extent, rng) {
        let p = sample::dirichlet(extent.rows, concentration, rng)?;
        sample::multinomial(one(n), &p, rng)?
    }

    /// DirichletMultinomial(n, concentration) given n = Σ xₖ; it cannot be drawn from
    DirichletMultinomialGivenTotal(
        /// the concentration a of the probabilities
        concentration: Shape::PerElement, Each(Positive)
    ) on 1, Counts;
    log_density(_extent, x) {
        counts::dirichlet_multinomial(sum(x.iter().copied()), x, concentration)
    }
    draw(_extent, _rng) { None? }
]

/// Matrices with mean 0 whose rows and columns are correlated.
MatrixNormal = [
    /// the normal log density of all values with Cov(xᵢⱼ, xₖₗ) = rowsᵢₖ colsⱼₗ
    MatrixNormal(
        /// the covariance matrix of the rows
        rows: Shape::MatrixOf(0), Covariance;
        /// the covariance matrix of the columns
        cols: Shape::MatrixOf(1), Covariance
    ) on 2, Each(Real);
    log_density(extent, x) { normal::kronecker(extent.rows, extent.columns, x, rows, cols) }
    draw(extent, rng) { sample::kronecker(extent, rows, cols, 0.0, rng) }

    /// MatrixNormal(rows, cols) plus independent Normal(0, √noise_var) noise on each value
    MatrixNormalNoise(
        /// the covariance matrix of the rows
        rows: Shape::MatrixOf(0), Covariance;
        /// the covariance matrix of the columns
        cols: Shape::MatrixOf(1), Covariance;
        /// the variance of the noise
        noise_var: Shape::Scalar, Each(NonNegative)
    ) on 2, Each(Real);
    log_density(extent, x) { normal::noisy_kronecker(extent.columns, x, rows, cols, noise_var) }
    draw(extent, rng) { sample::kronecker(extent, rows, cols, one(noise_var), rng) }
]

/// The intrinsic conditional autoregression: neighbours are alike. Scale it outside.
ICAR = [
    /// -Σ (xᵢ - xⱼ)² / 2 over the edges; improper, with no constant, and cannot be drawn from
    Icar(
        /// a table with two columns of positions on the joint axis, each pair of neighbours once
        edges: Shape::Edges, Each(Real)
    ) on 1, Each(Real);
    log_density(extent, x) { graph::differences(extent, x) }
    draw(_extent, _rng) { None? }

    /// ICAR(edges) plus the log density of Σ xᵢ under Normal(0, soft_zero_sum K)
    IcarSoftZeroSum(
        /// a table with two columns of positions on the joint axis, each pair of neighbours once
        edges: Shape::Edges, Each(Real);
        /// the standard deviation of the mean of x
        soft_zero_sum: Shape::Scalar, Each(Positive)
    ) on 1, Each(Real);
    log_density(extent, x) { graph::differences(extent, x) + graph::soft_zero_sum(x, one(soft_zero_sum)) }
    draw(extent, rng) {
        sample::autoregression(extent, one(soft_zero_sum), rng)?
    }
]
    } };
}
