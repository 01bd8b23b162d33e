"""A transform in plain Python: it says what it wants by annotation and returns what is to be kept."""

import dagster as dg
import pandas as pd


@dg.asset(
    key_prefix="datasets",
    group_name="transforms",
    kinds={"pandas"},
    ins={"predicted_delays": dg.AssetIn(key_prefix="datasets")},
)
def airline_delays(predicted_delays: pd.DataFrame) -> pd.DataFrame:
    """Predicted and actual delays of each airline: one row a carrier."""
    landed = predicted_delays.dropna(subset=["arr_delay"])
    return (
        landed.groupby("carrier", as_index=False)
        .agg(
            flights=("prediction", "size"),
            predicted_minutes=("prediction", "mean"),
            actual_minutes=("arr_delay", "mean"),
        )
        .sort_values("actual_minutes", ascending=False, ignore_index=True)
    )
