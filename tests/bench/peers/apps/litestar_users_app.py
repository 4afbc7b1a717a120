"""Litestar Users as its "basic" example sets it up: Advanced Alchemy on asyncpg, and JWT.

PostgreSQL is the one that PGHOST and its likes name. Passwords cost what BENCH_MEMORY_KIB and BENCH_PASSES say.
"""

import os
from dataclasses import dataclass

from advanced_alchemy.base import UUIDAuditBase
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyDTO, SQLAlchemyDTOConfig
from advanced_alchemy.extensions.litestar.plugins import SQLAlchemyPlugin
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from litestar import Litestar
from litestar.dto import DataclassDTO
from litestar_users import LitestarUsersConfig, LitestarUsersPlugin
from litestar_users.config import AuthHandlerConfig, CurrentUserHandlerConfig, JWTAuthConfig, RegisterHandlerConfig
from litestar_users.mixins import SQLAlchemyUserMixin
from litestar_users.service import BaseUserService
from passlib.hash import argon2
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class User(UUIDAuditBase, SQLAlchemyUserMixin):
    username: Mapped[str] = mapped_column(String(64), unique=True)
    locale: Mapped[str] = mapped_column(String(16), default="en-US")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")


@dataclass
class UserRegistration:
    username: str
    email: str
    password: str


class UserRegistrationDTO(DataclassDTO[UserRegistration]):
    pass


class UserReadDTO(SQLAlchemyDTO[User]):
    config = SQLAlchemyDTOConfig(exclude={"password_hash"})


class UserUpdateDTO(SQLAlchemyDTO[User]):
    config = SQLAlchemyDTOConfig(exclude={"password_hash"}, partial=True)


class UserRepository(SQLAlchemyAsyncRepository[User]):
    model_type = User


class UserService(BaseUserService):
    pass


passwords = argon2.using(
    type="ID",
    memory_cost=int(os.environ["BENCH_MEMORY_KIB"]),
    rounds=int(os.environ["BENCH_PASSES"]),
    parallelism=1,
)
database = SQLAlchemyAsyncConfig(
    connection_string="postgresql+asyncpg://", create_all=True, before_send_handler="autocommit"
)
users = LitestarUsersPlugin(
    config=LitestarUsersConfig(
        auth_config=JWTAuthConfig(),
        secret="a secret of thirty-two character",
        user_service_class=UserService,
        user_repository_class=UserRepository,
        user_registration_dto=UserRegistrationDTO,
        user_read_dto=UserReadDTO,
        user_update_dto=UserUpdateDTO,
        hash_schemes=[passwords],
        require_verification_on_registration=False,
        auth_handler_config=AuthHandlerConfig(),
        current_user_handler_config=CurrentUserHandlerConfig(),
        register_handler_config=RegisterHandlerConfig(),
    )
)
app = Litestar(plugins=[SQLAlchemyPlugin(config=database), users])
