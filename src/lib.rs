//! vippl
